"""Jobs that people ask for by type."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from appliance.gate import Gate
from appliance.jobs import store as queries
from appliance.jobs.errors import NoSuchJob, NotRepeatable, TooManyJobs, UnknownJobType
from appliance.jobs.schemas import JobTypes, JobTypeView, JobView, NewJob
from appliance.jobs.service import enqueue, view
from appliance.jobs.types import Types, named
from appliance.jobs.values import Owner
from appliance.jobs.waking import Waker
from appliance.policy import Resource
from appliance.store import Admitted, Principal, Store

MOST_OPEN: Final = 50
"""Jobs of one person that wait or run at the same time; a tenant's queue is not filled by one."""

OwnerOf = Callable[[Admitted, UUID], Awaitable[Owner]]
"""The person with this id, of the admitted tenant; raises NotFound where there is none."""


@dataclass(frozen=True, slots=True)
class Of:
    """Whose job it was."""

    id: UUID


class Submitting:
    """Makes jobs, for people themselves and, by an admin, for others."""

    def __init__(self, store: Store, gate: Gate, waker: Waker, types: Types, owner_of: OwnerOf) -> None:
        self._store, self._gate, self._waker, self._types, self._owner_of = store, gate, waker, types, owner_of

    async def types(self, principal: Principal) -> JobTypes:
        """What there is to ask for."""
        async with self._gate.admit(principal, "jobs.list", Resource("job")):
            return JobTypes(
                items=[
                    JobTypeView(
                        type=one.name,
                        says=one.says,
                        payload=one.payload.model_json_schema(),
                        for_admins=not one.for_everybody,
                    )
                    for one in self._types.values()
                ]
            )

    async def submit(self, principal: Principal, new: NewJob, *, key: str | None) -> JobView:
        """Make a job of the principal's own; the same `key` again gives the same job.

        Raises:
            Refused: the type is not for this role.
            UnknownJobType, InvalidInput: there is no such type, or the payload is not one of its.
            TooManyJobs: the principal has 50 under way.
        """
        known = self._types.get(new.type)
        action = "jobs.submit" if known is None else known.action
        return await self._make(principal, action, new, key=key, owner_id=None)

    async def submit_for(
        self, principal: Principal, new: NewJob, *, owner_id: UUID | None, key: str | None, of_database: bool = False
    ) -> JobView:
        """Make a job as an admin, for the person `owner_id` or the admin; `of_database` takes only such types.

        Raises as `submit` does, and NotFound where there is no such person.
        """
        return await self._make(principal, "jobs.manage", new, key=key, owner_id=owner_id, of_database=of_database)

    async def again(self, principal: Principal, job_id: UUID) -> JobView:
        """Make a job like one that failed or was cancelled, for the same person; asked twice it is made once.

        Raises:
            NoSuchJob: there is none.
            NotRepeatable: it has not failed, or nobody can ask for its type.
        """
        resource = Resource("job", str(job_id))
        async with (
            self._gate.admit(principal, "jobs.manage", resource) as admitted,
            self._store.open_session(admitted, write=True) as session,
        ):
            old = await queries.find(session, job_id)
            if old is None:
                raise NoSuchJob("There is no such job.")
            if old.state not in {"failed", "cancelled"} or old.kind not in self._types:
                raise NotRepeatable(f"It is {old.state}, of the type {old.kind}.")
            made = await enqueue(
                session,
                kind=old.kind,
                payload=old.payload,
                owner=Of(old.owner_id),
                idempotency_key=f"again:{job_id}",
                priority=old.priority,
            )
            admitted.outcome.metadata |= {"type": old.kind, "made": str(made)}
            row = await queries.find(session, made)
            assert row is not None
            shown = view(row)
        self._waker.wake()
        return shown

    async def _make(
        self,
        principal: Principal,
        action: str,
        new: NewJob,
        *,
        key: str | None,
        owner_id: UUID | None,
        of_database: bool = False,
    ) -> JobView:
        resource = Resource("job", attrs={"owner": owner_id or principal.id, "kind": new.type})
        body = new.model_dump_json().encode()
        async with self._gate.admit(principal, action, resource, request=body) as admitted:
            kind = named(self._types, new.type)
            if of_database and not kind.of_database:
                raise UnknownJobType("That is no job of the database.")
            payload = kind.checked(new.payload)
            owner: Owner = principal if owner_id is None else await self._owner_of(admitted, owner_id)
            now = dt.datetime.now(dt.UTC)
            async with self._store.open_session(admitted, write=True) as session:
                if await queries.open_of(session, owner.id) >= MOST_OPEN:
                    raise TooManyJobs(f"{MOST_OPEN} jobs wait or run.", retry_after=10)
                job_id = await enqueue(
                    session,
                    kind=kind.name,
                    payload=payload,
                    owner=owner,
                    idempotency_key=None
                    if key is None
                    else hashlib.sha256(f"{principal.id}:{key}".encode()).hexdigest(),
                    priority=kind.priority if new.priority is None else new.priority,
                    deadline_at=None
                    if new.deadline_seconds is None
                    else now + dt.timedelta(seconds=new.deadline_seconds),
                )
                admitted.outcome.resource_id = str(job_id)
                admitted.outcome.metadata |= {"type": kind.name, "proxy": owner.id != principal.id}
                row = await queries.find(session, job_id)
                assert row is not None
                made = view(row)
        self._waker.wake()
        return made
