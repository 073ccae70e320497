"""The worker: claims one job at a time, runs its handler, and lets go of nothing that was claimed.

A killed worker's job is claimed again when its lease runs out, or at once by the next worker of the same node, which
knows by the instance lock that its predecessor is dead.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, cast

import structlog
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.errors import OutpostError, problem
from appliance.jobs import rules
from appliance.jobs import store as queries
from appliance.jobs.tables import JobRow
from appliance.jobs.values import Cancelled, Handler, JobId, Retry, RunningJob, State, Watch
from appliance.jobs.waking import Bell
from appliance.store import Purpose, Store, TenantId

LOOK_SECONDS = 1.0
REPORT_SECONDS = 0.5

log = structlog.get_logger(__name__)


class Worker:
    """Runs jobs of all tenants until `stop`.

    Args:
        store: where the queues are.
        handlers: what to do, by kind of job; other kinds are left to other workers.
        name: this worker's instance, as it stands in the rows it holds.
        is_alive: whether another instance of this node still runs; its jobs are taken over if not.
        bell: rings when there is new work.
        watches: told when a job of their kind moves, in the transaction that moves it.
    """

    def __init__(
        self,
        store: Store,
        handlers: Mapping[str, Handler],
        *,
        name: str,
        is_alive: Callable[[str], bool],
        bell: Bell,
        watches: Mapping[str, Watch] = MappingProxyType({}),
    ) -> None:
        self._watches = watches
        self._store = store
        self._handlers = handlers
        self._name = name
        self._is_alive = is_alive
        self._bell = bell
        self._stopping = asyncio.Event()
        self._running: asyncio.Task[bool] | None = None

    def stop(self) -> None:
        """Finish nothing more: the running job goes back to the queue and is done by the next worker."""
        self._stopping.set()
        if self._running is not None:
            self._running.cancel()

    async def run(self) -> None:
        await self._take_over()
        while not self._stopping.is_set():
            worked = False
            for tenant in await self._store.tenants():
                if tenant.is_active and not self._stopping.is_set():
                    self._running = asyncio.create_task(self._one(tenant.id))
                    try:
                        worked |= await self._running
                    except asyncio.CancelledError:
                        break
                    except OutpostError as error:
                        log.warning("the queue could not be read", code=error.code, detail=error.detail)
            if not worked and not self._stopping.is_set():
                await self._bell.wait(LOOK_SECONDS)
        self._bell.close()

    async def _take_over(self) -> None:
        """Jobs of dead workers of this node need not wait for their lease."""
        for tenant in await self._store.tenants():
            async with self._store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
                for job in await queries.recent(session, owner_id=None, state="running", limit=100, before=None):
                    if job.worker is not None and job.worker != self._name and not self._is_alive(job.worker):
                        job.lease_until = dt.datetime.now(dt.UTC) - rules.LEASE

    async def _one(self, tenant_id: TenantId) -> bool:
        now = dt.datetime.now(dt.UTC)
        kinds = list(self._handlers)
        async with self._store.open_internal(Purpose.CLAIM, tenant_id) as session:
            if not await queries.is_waiting(session, kinds, now):
                return False
        async with self._store.open_internal(Purpose.CLAIM, tenant_id, write=True) as session:
            row = await queries.claim_next(session, self._name, kinds, now)
            if row is None:
                return False
            if row.attempt - row.retries > rules.ATTEMPTS:
                await self._end(session, row, "failed", error={"detail": "The worker died each time it did this."})
                return True
            if row.cancel_asked:
                await self._end(session, row, "cancelled")
                return True
            await self._tell(session, row, "")
        with structlog.contextvars.bound_contextvars(job=str(row.id)):
            await self._do(tenant_id, row)
        return True

    async def _do(self, tenant_id: TenantId, row: JobRow) -> None:
        reporter = _Reporter(self._store, tenant_id, JobId(row.id), self._name)
        job = RunningJob(
            JobId(row.id),
            tenant_id,
            row.kind,
            row.payload,
            row.attempt - row.retries,
            row.owner_id,
            reporter.report,
            row.retries,
        )
        heart = asyncio.create_task(reporter.beat())
        try:
            result = await self._handlers[row.kind](job)
        except asyncio.CancelledError:
            await asyncio.shield(self._back(tenant_id, row.id, "the node was stopped", dt.timedelta(0)))
            raise
        except Cancelled:
            await self._settle(tenant_id, row.id, "cancelled")
        except Retry as retry:
            await self._back(tenant_id, row.id, retry.reason, dt.timedelta(seconds=retry.seconds))
        except OutpostError as error:
            await self._settle(tenant_id, row.id, "failed", error=problem(error))
        except Exception as error:  # a handler's mistake must not end the worker
            log.exception("a job failed unforeseen", kind=row.kind)
            if rules.after_failure(job.attempt) == "failed":
                await self._settle(tenant_id, row.id, "failed", error={"detail": type(error).__name__})
            else:
                pause = rules.pause_before(job.attempt)
                await self._back(tenant_id, row.id, "it failed and is tried again", pause, forgiven=False)
        else:
            await self._settle(tenant_id, row.id, "finished", result=dict(result or {}))
        finally:
            heart.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await heart

    async def _settle(self, tenant_id: TenantId, job_id: Any, state: State, **outcome: Any) -> None:
        async with self._store.open_internal(Purpose.CLAIM, tenant_id, write=True) as session:
            row = await queries.held(session, job_id, self._name)
            if row is not None:
                await self._end(session, row, state, **outcome)

    async def _end(
        self, session: AsyncSession, row: JobRow, state: State, *, result: Any = None, error: Any = None
    ) -> None:
        now = dt.datetime.now(dt.UTC)
        assert rules.may_move(row.state, state)
        row.state, row.result, row.error, row.lease_until = state, result, error, None
        row.progress = 1.0 if state == "finished" else row.progress
        row.word = state
        news = {"result": result} if result else {"error": error} if error else {}
        await queries.happened(session, row, state, news, now)
        await self._tell(session, row, str(error["detail"]) if error else "")

    async def _tell(self, session: AsyncSession, row: JobRow, reason: str) -> None:
        if (watch := self._watches.get(row.kind)) is not None:
            await watch(session, row.payload, cast("State", row.state), reason)

    async def _back(
        self, tenant_id: TenantId, job_id: Any, why: str, pause: dt.timedelta, *, forgiven: bool = True
    ) -> None:
        now = dt.datetime.now(dt.UTC)
        async with self._store.open_internal(Purpose.CLAIM, tenant_id, write=True) as session:
            row = await queries.held(session, job_id, self._name)
            if row is not None:
                row.state, row.worker, row.lease_until = "queued", None, None
                row.not_before = now + pause
                row.retries += 1 if forgiven else 0
                row.word = why
                await queries.happened(session, row, "queued", {"why": why}, now)
                await self._tell(session, row, why)


class _Reporter:
    """Keeps the lease of one running job and tells its watchers how far it is, a few times a second at most."""

    def __init__(self, store: Store, tenant_id: TenantId, job_id: JobId, worker: str) -> None:
        self._store = store
        self._tenant_id = tenant_id
        self._job_id = job_id
        self._worker = worker
        self._cancelled = False
        self._told = 0.0
        self._word = ""

    async def beat(self) -> None:
        """Extend the lease until cancelled."""
        while True:
            await asyncio.sleep(rules.BEAT_SECONDS)
            try:
                await self._extend({})
            except OutpostError as error:
                log.warning("a heartbeat was not written", code=error.code)

    async def report(self, share: float, word: str) -> None:
        if self._cancelled:
            raise Cancelled
        if word == self._word and time.monotonic() - self._told < REPORT_SECONDS:
            return
        self._told, self._word = time.monotonic(), word
        await self._extend({"progress": min(1.0, max(0.0, share)), "word": word[:200]})
        if self._cancelled:
            raise Cancelled

    async def _extend(self, news: dict[str, Any]) -> None:
        now = dt.datetime.now(dt.UTC)
        async with self._store.open_internal(Purpose.CLAIM, self._tenant_id, write=True) as session:
            held = (JobRow.id == self._job_id) & (JobRow.worker == self._worker) & (JobRow.state == "running")
            changed = (
                update(JobRow)
                .where(held)
                .values(lease_until=now + rules.LEASE, **news)
                .returning(JobRow)
                .execution_options(synchronize_session=False)
            )
            row = (await session.scalars(changed)).one_or_none()
            self._cancelled = row is None or row.cancel_asked
            if row is not None and news:
                await queries.happened(session, row, "progress", news, now)
