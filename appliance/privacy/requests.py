"""Requests to be erased: asked for by the person or an admin, decided by an admin, kept from then on.

asked ──> running ──> done          a hold that names the person: 409, and it stays asked
  └─────> refused                   running: cannot be undone; the job begins anew wherever it was killed
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit import personal as record
from appliance.gate import Gate
from appliance.holds import in_force
from appliance.holds.errors import OnHold
from appliance.holds.rules import Fact, keeps, keeps_person
from appliance.identity import personal as accounts
from appliance.identity.people import People
from appliance.jobs import Waker, enqueue
from appliance.jobs.service import is_open
from appliance.policy import Resource
from appliance.privacy.errors import NoSuchRequest, RequestDecided
from appliance.privacy.exporting import MANAGE, OWN, action_for, utc_now
from appliance.privacy.tables import RequestRow
from appliance.store import CONTROL, Principal, Purpose, Store, TenantId, new_id

ERASE: Final = "privacy.erase"
OPEN: Final = ("asked", "running")


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[RequestRow]
    more: bool


class Requests:
    """Args:
    epoch: of the record; earlier ones are looked through for what holds name.
    """

    def __init__(
        self,
        store: Store,
        gate: Gate,
        people: People,
        waker: Waker,
        *,
        epoch: int,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._store, self._gate, self._people, self._waker = store, gate, people, waker
        self._epoch, self._clock = epoch, clock

    async def ask(self, principal: Principal, person_id: UUID) -> RequestRow:
        """Ask that a person be erased; asked twice it is one request. Raises Refused, NotAPerson, UnknownPerson."""
        action = action_for(principal, person_id)
        async with self._gate.admit(principal, action, Resource("person", str(person_id))) as admitted:
            await self._people.read(admitted, person_id)
            admitted.outcome.metadata["request_kind"] = "erasure"
            async with self._store.open_session(admitted, write=True) as session:
                query = select(RequestRow).where(
                    RequestRow.person_id == person_id, RequestRow.kind == "erasure", RequestRow.state.in_(OPEN)
                )
                if (row := (await session.scalars(query.limit(1))).one_or_none()) is None:
                    row = RequestRow(
                        id=new_id(), kind="erasure", person_id=person_id, asked_by=principal.id,
                        asked_at=self._clock(), state="asked", decided_by=None, decided_at=None, why=None, job_id=None,
                        done_at=None,
                    )  # fmt: skip
                    session.add(row)
                admitted.outcome.metadata["request"] = str(row.id)
        return row

    async def page(self, principal: Principal, *, everybody: bool, limit: int, before: UUID | None) -> Page:
        """The newest first, from the one after `before`: one's own, or those of the plant. Raises Refused."""
        query = select(RequestRow).order_by(RequestRow.id.desc()).limit(limit + 1)
        if not everybody:
            query = query.where(RequestRow.person_id == principal.id)
        if before is not None:
            query = query.where(RequestRow.id < before)
        async with (
            self._gate.admit(principal, MANAGE if everybody else OWN, Resource("person")) as admitted,
            self._store.open_session(admitted) as session,
        ):
            rows = list(await session.scalars(query))
        return Page(rows[:limit], len(rows) > limit)

    async def refuse(self, principal: Principal, request_id: UUID, why: str) -> RequestRow:
        """Say no, and why. Raises Refused, NoSuchRequest, RequestDecided."""
        async with (
            self._gate.admit(principal, MANAGE, Resource("person")) as admitted,
            self._store.open_session(admitted, write=True) as session,
        ):
            row = await _found(session, request_id, to_change=True)
            if row.state != "asked":
                raise RequestDecided(f"The request is {row.state}.")
            row.state, row.why = "refused", why.strip()
            row.decided_by, row.decided_at = principal.id, self._clock()
            admitted.outcome.metadata |= {"request": str(request_id), "after": {"state": "refused"}}
        return row

    async def approve(
        self, principal: Principal, request_id: UUID, proven: Callable[[], Awaitable[None]]
    ) -> RequestRow:
        """Have the person erased; from here on it cannot be undone. `proven` is called once it is admitted. Where the job
        failed or was cancelled, this asks for another.

        Raises:
            Refused, NoSuchRequest, RequestDecided: nothing was changed.
            OnHold: a destruction hold keeps what would go.
            OwnAccount, LastAdmin: another admin has to do it, or be there.
        """
        async with self._gate.admit(principal, ERASE, Resource("person")) as admitted:
            await proven()
            async with self._store.open_session(admitted) as session:
                person_id = (await _found(session, request_id)).person_id
            async with self._store.open_internal(Purpose.PURGE, CONTROL, write=True) as session:
                await accounts.may_go(session, principal, person_id)
            async with self._store.open_session(admitted, write=True) as session:
                row = await _found(session, request_id, to_change=True)
                if row.state == "asked":
                    await self._not_held(session, principal.tenant_id, person_id)
                    row.state, row.decided_by, row.decided_at = "running", principal.id, self._clock()
                elif row.state != "running" or row.job_id is None or await is_open(session, row.job_id):
                    raise RequestDecided(f"The request is {row.state}.")
                row.job_id = await enqueue(session, kind=ERASE, payload={"request": str(request_id)}, owner=principal)
                admitted.outcome.resource_id = str(person_id)
                admitted.outcome.metadata |= {"request": str(request_id), "after": {"state": "running"}}
            await self._close(principal.tenant_id, person_id)
        self._waker.wake()
        return row

    async def _close(self, tenant_id: TenantId, person_id: UUID) -> None:
        """Nobody signs in as them while the job waits; where this is not reached, the job does it."""
        async with self._store.open_internal(Purpose.PURGE, CONTROL, write=True) as session:
            await accounts.close(session, tenant_id, person_id, self._clock())

    async def _not_held(self, session: AsyncSession, tenant_id: TenantId, person_id: UUID) -> None:
        """While this session is open, nobody sets a hold. Raises OnHold."""
        if not (holds := await in_force(session)):
            return
        if keeps_person(holds, person_id):
            raise OnHold("A destruction hold names this person, or everything.")
        for epoch in range(1, self._epoch + 1):
            after = -1
            while found := await record.own(self._store, tenant_id, person_id, epoch=epoch, after=after):
                after = found[-1].seq
                if any(keeps(holds, Fact(one.at, str(person_id), one.correlation_id, one.record)) for one in found):
                    raise OnHold("A destruction hold names records of this person.")


async def _found(session: AsyncSession, request_id: UUID, *, to_change: bool = False) -> RequestRow:
    query = select(RequestRow).where(RequestRow.id == request_id, RequestRow.kind == "erasure")
    row = (await session.scalars(query.with_for_update() if to_change else query)).one_or_none()
    if row is None:
        raise NoSuchRequest("The plant has no such request.")
    return row
