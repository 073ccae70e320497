"""Make, watch and cancel jobs."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.gate import Gate, Refused
from appliance.jobs import counting
from appliance.jobs import store as queries
from appliance.jobs.counting import Measured
from appliance.jobs.errors import NoSuchJob
from appliance.jobs.rules import PRIORITY, may_move
from appliance.jobs.schemas import JobPage, JobView
from appliance.jobs.tables import JobRow
from appliance.jobs.values import OPEN, JobId, Owner, State, Watch
from appliance.policy import Resource
from appliance.store import Admitted, Principal, Purpose, Store, TenantId, new_id
from appliance.web import SSE_COMMENT, Cursors, sse

HEARTBEAT_SECONDS = 15.0
LOOK_SECONDS = 0.3
FOR_ALL = frozenset({"jobs.read_all", "jobs.manage"})
"""Actions over everybody's jobs."""
OF_OTHERS = {"jobs.read": "jobs.read_all", "jobs.cancel": "jobs.cancel"}
"""What is asked once more, and of what, where the job turns out to be somebody else's."""
NONE_OF_YOURS = "There is no such job of yours."
STREAM_SECONDS = 600.0
"""A stream ends after this; the watcher comes back with `Last-Event-ID` and misses nothing."""


async def enqueue(
    session: AsyncSession,
    *,
    kind: str,
    payload: Mapping[str, Any],
    owner: Owner,
    idempotency_key: str | None = None,
    not_before: dt.datetime | None = None,
    priority: int = PRIORITY,
    deadline_at: dt.datetime | None = None,
) -> JobId:
    """Put a job into the queue, in the caller's own transaction; wake the worker after that has committed.

    It is not run before `not_before`, and fails when `deadline_at` comes first. Of 0 to 9, the highest `priority` goes
    first. The same `idempotency_key` within a tenant names the same job, which is then returned and not made again.
    """
    if idempotency_key is not None:
        known = await queries.with_key(session, idempotency_key)
        if known is not None:
            return JobId(known)
    now = dt.datetime.now(dt.UTC)
    job = JobRow(
        id=new_id(), kind=kind, payload=dict(payload), owner_id=owner.id, idempotency_key=idempotency_key,
        state="queued", progress=0.0, word="waiting", attempt=0, retries=0, worker=None,
        not_before=max(now, not_before or now), priority=priority, deadline_at=deadline_at, reason=None,
        lease_until=None, cancel_asked=False, result=None, error=None, events=0, created_at=now, updated_at=now,
    )  # fmt: skip
    try:
        async with session.begin_nested():
            session.add(job)
    except IntegrityError:
        known = None if idempotency_key is None else await queries.with_key(session, idempotency_key)
        if known is None:
            raise
        return JobId(known)  # another request with this key was a moment faster
    await queries.happened(session, job, "queued", {}, now)
    return JobId(job.id)


class Jobs:
    """What people may see of the queue and do with it: their own jobs, and an admin those of the tenant."""

    def __init__(
        self, store: Store, gate: Gate, cursors: Cursors, watches: Mapping[str, Watch] = MappingProxyType({})
    ) -> None:
        self._watches = watches
        self._store = store
        self._gate = gate
        self._cursors = cursors

    async def recent(
        self,
        principal: Principal,
        *,
        everybody: bool,
        state: State | None,
        kinds: Sequence[str] | None = None,
        page_size: int,
        page_token: str | None,
    ) -> JobPage:
        """Newest first: the principal's own, or with `everybody` those of the tenant.

        Raises:
            Forbidden: `everybody` is for those who may read everybody's jobs.
        """
        before = None
        if page_token is not None:
            position = self._cursors.decode(page_token)
            before = (position.moment("at"), position.id("id"))
        owner = None if everybody else principal.id
        action = "jobs.read_all" if everybody else "jobs.list"
        async with self._admit(principal, action, None) as admitted, self._store.open_session(admitted) as session:
            limit = page_size + 1
            found = await queries.recent(session, owner_id=owner, state=state, kinds=kinds, limit=limit, before=before)
        token = None
        if len(found) > page_size:
            found = found[:page_size]
            token = self._cursors.encode({"at": found[-1].created_at.isoformat(), "id": str(found[-1].id)})
        return JobPage(items=[view(one) for one in found], next_page_token=token)

    async def read(
        self, principal: Principal, job_id: UUID, *, action: str = "jobs.read", kinds: Collection[str] | None = None
    ) -> JobView:
        """One job, of one of `kinds` where these are given. Raises NoSuchJob."""
        async with self._admit(principal, action, job_id) as admitted:
            await self._may(admitted, job_id)
            async with self._store.open_session(admitted) as session:
                return view(await _found(session, job_id, kinds=kinds))

    async def cancel(
        self, principal: Principal, job_id: UUID, *, action: str = "jobs.cancel", kinds: Collection[str] | None = None
    ) -> tuple[JobView, bool]:
        """Ask a job to stop; True if this request did it, False if it had ended or been asked before. Raises NoSuchJob."""
        async with self._admit(principal, action, job_id) as admitted:
            await self._may(admitted, job_id)
            async with self._store.open_session(admitted, write=True) as session:
                return await self._stopped(session, await _found(session, job_id, to_change=True, kinds=kinds))

    async def _stopped(self, session: AsyncSession, job: JobRow) -> tuple[JobView, bool]:
        asked = job.state in OPEN and not job.cancel_asked
        if asked:
            now = dt.datetime.now(dt.UTC)
            job.cancel_asked = True
            if job.state == "queued" and may_move(job.state, "cancelled"):
                job.state = "cancelled"
                if (watch := self._watches.get(job.kind)) is not None:
                    await watch(session, job.payload, "cancelled", "It was cancelled.")
                await queries.happened(session, job, "cancelled", {}, now)
            else:
                await queries.happened(session, job, "cancelling", {}, now)
        return view(job), asked

    async def events(self, principal: Principal, job_id: UUID, after: int) -> AsyncGenerator[bytes]:
        """Server-sent events from number `after` on, with heartbeats, ending with `end` when the job has."""
        async with self._admit(principal, "jobs.read", job_id) as admitted:
            await self._may(admitted, job_id)  # once: whose it is does not change
            began = spoke = time.monotonic()
            first = True
            while time.monotonic() - began < STREAM_SECONDS:
                async with self._store.open_session(admitted) as session:
                    job = await _found(session, job_id)
                    news = await queries.events_after(session, job_id, after)
                for event in news:
                    after, spoke = event.seq, time.monotonic()
                    body = {"seq": event.seq, "at": event.at.isoformat(), **event.data}
                    yield sse(event.kind, body, id=str(event.seq), first=first)
                    first = False
                if not news and job.state not in OPEN:
                    yield sse("end", view(job).model_dump(mode="json"), first=first)
                    return
                if time.monotonic() - spoke > HEARTBEAT_SECONDS:
                    spoke = time.monotonic()
                    yield SSE_COMMENT
                await asyncio.sleep(LOOK_SECONDS)

    def _admit(self, principal: Principal, action: str, job_id: UUID | None) -> Any:
        resource = Resource("job", id=None if job_id is None else str(job_id))
        return self._gate.admit(principal, action, resource=resource)

    async def _may(self, admitted: Admitted, job_id: UUID) -> None:
        """Asks once more where the job is somebody else's: the policies say who may, and whoever may not is not told that there is
        such a job. Raises NoSuchJob.
        """
        async with self._store.open_session(admitted) as session:
            job = await _found(session, job_id)
        if admitted.action in FOR_ALL or job.owner_id == admitted.principal.id:
            return
        owner = "" if job.owner_id is None else str(job.owner_id)
        resource = Resource("job", str(job.id), {"owner": owner, "kind": job.kind})
        try:
            async with self._gate.admit(admitted.principal, OF_OTHERS[admitted.action], resource):
                pass
        except Refused:
            raise NoSuchJob(NONE_OF_YOURS) from None


async def _found(
    session: AsyncSession, job_id: UUID, *, to_change: bool = False, kinds: Collection[str] | None = None
) -> JobRow:
    job = await queries.find(session, job_id, to_change=to_change)
    if job is None or (kinds is not None and job.kind not in kinds):
        raise NoSuchJob(NONE_OF_YOURS)
    return job


async def is_open(session: AsyncSession, job_id: UUID) -> bool:
    """Whether a job waits or runs; in the caller's transaction."""
    job = await queries.find(session, job_id)
    return job is not None and job.state in OPEN


async def progress_of(session: AsyncSession, job_ids: Sequence[UUID]) -> dict[UUID, tuple[float, str]]:
    """How far these jobs are, and what they do; in the caller's transaction."""
    return await queries.progress(session, job_ids)


def view(job: JobRow) -> JobView:
    return JobView(
        job_id=job.id, kind=job.kind, state=job.state, progress=job.progress, word=job.word, attempt=job.attempt,
        priority=job.priority, deadline_at=job.deadline_at, reason=job.reason, owner_id=job.owner_id,
        result=job.result, error=job.error, created_at=job.created_at, updated_at=job.updated_at,
    )  # fmt: skip


async def measured(store: Store, tenant_id: TenantId, now: dt.datetime) -> Measured:
    """The queue of a tenant as a monitor sees it."""
    async with store.open_internal(Purpose.HEALTH, tenant_id) as session:
        return await counting.measure(session, now)


async def last_with_key(store: Store, tenant_id: TenantId, prefix: str) -> JobView | None:
    """The newest job of a tenant whose idempotency key begins so."""
    async with store.open_internal(Purpose.CLAIM, tenant_id) as session:
        row = await queries.last_with_key(session, prefix)
    return None if row is None else view(row)


async def forget_ended(session: AsyncSession, *, before: dt.datetime, failed_before: dt.datetime) -> int:
    """Remove jobs that ended before then, with their events, in the caller's transaction; returns how many."""
    done = await queries.forget(session, ("finished", "cancelled"), before)
    return done + await queries.forget(session, ("failed",), failed_before)
