"""Puts what is due into the queues. APScheduler says when to look; what is due is told by the schedules themselves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from appliance.errors import OutpostError
from appliance.gate import Gate
from appliance.jobs import JobId, Waker, enqueue
from appliance.jobs.service import last_with_key
from appliance.jobs.types import JobType
from appliance.policy import Resource
from appliance.store import Principal, Store, Tenant
from appliance.upkeep.schedules import SCHEDULES, Schedule
from appliance.upkeep.types import TYPES
from appliance.upkeep.values import upkeep_of

log = structlog.get_logger(__name__)
_TYPES: Mapping[str, JobType] = {one.name: one for one in TYPES}


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Planner:
    """One per worker. Several may plan at once: the key of a run makes it one job."""

    def __init__(
        self,
        store: Store,
        gate: Gate,
        waker: Waker,
        schedules: Mapping[str, Schedule] = SCHEDULES,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._store, self._gate, self._waker, self._schedules, self._clock = store, gate, waker, schedules, clock
        self._scheduler = AsyncIOScheduler()

    async def start(self) -> None:
        """Make up for what fell due while nobody looked, then look at each moment of each schedule."""
        for name, schedule in self._schedules.items():
            await self.look(name, catching_up=True)
            self._scheduler.add_job(
                self.look, schedule.trigger, args=[name], id=name, coalesce=True, misfire_grace_time=None
            )
        self._scheduler.start()

    def close(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def look(self, name: str, *, catching_up: bool = False) -> None:
        """Put the run that is due now into the queue of each active tenant, once. When `catching_up`, only where the
        schedule has run before: a new node does not begin with a week's work.
        """
        schedule = self._schedules[name]
        due = schedule.latest_due(self._clock())
        if due is None:
            return
        for tenant in await self._store.tenants():
            if tenant.is_active:
                try:
                    await self._plan(schedule, due, tenant, catching_up=catching_up)
                except OutpostError as error:
                    log.warning("a schedule could not be kept", schedule=name, code=error.code)

    async def _plan(self, schedule: Schedule, due: dt.datetime, tenant: Tenant, *, catching_up: bool) -> None:
        if await last_with_key(self._store, tenant.id, schedule.key(due)) is not None:
            return
        if catching_up and await last_with_key(self._store, tenant.id, schedule.prefix()) is None:
            return
        await put(self._store, self._gate, upkeep_of(tenant.id), schedule, schedule.key(due))
        self._waker.wake()


async def put(store: Store, gate: Gate, principal: Principal, schedule: Schedule, key: str) -> JobId:
    """Make one run of a schedule, for this principal. Raises Refused."""
    kind = _TYPES[schedule.type]
    resource = Resource("job", attrs={"owner": principal.id, "kind": kind.name})
    async with (
        gate.admit(principal, "jobs.manage", resource) as admitted,
        store.open_session(admitted, write=True) as session,
    ):
        job_id = await enqueue(
            session,
            kind=kind.name,
            payload=kind.checked({}),
            owner=principal,
            idempotency_key=key,
            priority=kind.priority,
        )
        admitted.outcome.resource_id = str(job_id)
        admitted.outcome.metadata |= {"type": kind.name, "schedule": schedule.name}
    return job_id
