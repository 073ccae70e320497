"""The worker: claims one job at a time, runs its handler, and lets go of nothing that was claimed.

A killed worker's job is claimed again when its lease runs out, or at once by the next worker of the same node, which
knows by the instance lock that its predecessor is dead.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, cast

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.errors import OutpostError, problem
from appliance.jobs import rules
from appliance.jobs import store as queries
from appliance.jobs.reporting import Reporter
from appliance.jobs.tables import JobRow
from appliance.jobs.values import Cancelled, Handler, JobId, Retry, RunningJob, State, Watch
from appliance.jobs.waking import Bell
from appliance.store import Purpose, Store, TenantId
from appliance.tracing import says, span

LOOK_SECONDS = 1.0
OVER: Mapping[str, Any] = MappingProxyType({"detail": "It was not done by its deadline."})

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

    def stop(self, *, grace: float = 0.0) -> None:
        """Claim nothing more. The running job has `grace` seconds to end by itself; then it goes back to the queue, and
        the next worker does it.
        """
        self._stopping.set()
        self._bell.ring()
        if self._running is not None:
            asyncio.get_running_loop().call_later(grace, self._running.cancel)

    async def run(self) -> None:
        lost = await self._take_over()
        while not self._stopping.is_set():
            worked = False
            try:
                tenants = await self._store.tenants()
            except OutpostError as error:
                log.warning("the plants could not be read", code=error.code, detail=error.detail)
                tenants = []
            # One job of each plant in turn. A plant whose job ended the worker before waits for the others, or a row of
            # such jobs would keep them from their turn for as long.
            for tenant in sorted(tenants, key=lambda one: one.id in lost):
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
            lost = frozenset()
        self._bell.close()

    async def _take_over(self) -> frozenset[TenantId]:
        """Jobs of dead workers of this node need not wait for their lease; whose they were."""
        lost = set()
        for tenant in await self._store.tenants():
            async with self._store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
                for job in await queries.recent(session, owner_id=None, state="running", limit=100, before=None):
                    if job.worker is not None and job.worker != self._name and not self._is_alive(job.worker):
                        job.lease_until = dt.datetime.now(dt.UTC) - rules.LEASE
                        lost.add(tenant.id)
        return frozenset(lost)

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
                await self._fail(session, row, "worker-lost", {"detail": "The worker died each time it did this."})
                return True
            if rules.is_over(row.deadline_at, now):
                await self._fail(session, row, "deadline", OVER)
                return True
            if row.cancel_asked:
                await self._end(session, row, "cancelled")
                return True
            await self._tell(session, row, "")
        with (
            structlog.contextvars.bound_contextvars(job=str(row.id)),
            span(f"job {row.kind}", trace=row.id, job_id=str(row.id), kind=row.kind, attempt=row.attempt),
        ):
            await self._do(tenant_id, row)
        return True

    async def _do(self, tenant_id: TenantId, row: JobRow) -> None:
        reporter = Reporter(self._store, tenant_id, JobId(row.id), self._name, row.deadline_at)
        job = RunningJob(
            JobId(row.id),
            tenant_id,
            row.kind,
            row.payload,
            row.attempt - row.retries,
            row.owner_id,
            reporter.report,
            row.retries,
            row.created_at,
        )
        doing = asyncio.ensure_future(self._handlers[row.kind](job))
        heart = asyncio.create_task(reporter.beat(doing))
        try:
            result = await doing
        except asyncio.CancelledError:
            match reporter.verdict:
                case None:
                    await asyncio.shield(self._back(tenant_id, row.id, "the node was stopped", dt.timedelta(0)))
                    raise
                case "deadline":
                    await self._settle(tenant_id, row.id, "failed", reason="deadline", error=dict(OVER))
                case "cancelled":
                    await self._settle(tenant_id, row.id, "cancelled")
                case "lost":
                    log.warning("a job was lost to another worker", kind=row.kind)
        except Cancelled:
            await self._settle(tenant_id, row.id, "cancelled")
        except Retry as retry:
            await self._back(tenant_id, row.id, retry.reason, dt.timedelta(seconds=retry.seconds))
        except OutpostError as error:
            await self._settle(tenant_id, row.id, "failed", reason="refused", error=problem(error))
        except Exception as error:  # a handler's mistake must not end the worker
            log.exception("a job failed unforeseen", kind=row.kind)
            if rules.after_failure(job.attempt) == "failed":
                gave_up = {"detail": type(error).__name__}
                await self._settle(tenant_id, row.id, "failed", reason="gave-up", error=gave_up)
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
        says(outcome=state, reason=outcome.get("reason"))
        async with self._store.open_internal(Purpose.CLAIM, tenant_id, write=True) as session:
            row = await queries.held(session, job_id, self._name)
            if row is not None:
                await self._end(session, row, state, **outcome)

    async def _fail(self, session: AsyncSession, row: JobRow, reason: rules.Reason, error: Mapping[str, Any]) -> None:
        await self._end(session, row, "failed", reason=reason, error=dict(error))

    async def _end(
        self,
        session: AsyncSession,
        row: JobRow,
        state: State,
        *,
        result: Any = None,
        error: Any = None,
        reason: rules.Reason | None = None,
    ) -> None:
        now = dt.datetime.now(dt.UTC)
        assert rules.may_move(row.state, state)
        row.state, row.result, row.error, row.lease_until = state, result, error, None
        row.reason = reason
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
        says(outcome="again")
        async with self._store.open_internal(Purpose.CLAIM, tenant_id, write=True) as session:
            row = await queries.held(session, job_id, self._name)
            if row is not None:
                row.state, row.worker, row.lease_until = "queued", None, None
                # Looked at once more when its time is over, to say so.
                row.not_before = min(now + pause, row.deadline_at or now + pause)
                row.retries += 1 if forgiven else 0
                row.word = why
                await queries.happened(session, row, "queued", {"why": why}, now)
                await self._tell(session, row, why)
