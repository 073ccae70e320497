"""What admins, and the owner of the node, see of its upkeep and start by hand."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from appliance.gate import Gate
from appliance.jobs import Jobs, Submitting, Waker
from appliance.jobs.schemas import JobView, NewJob
from appliance.jobs.service import last_with_key
from appliance.jobs.values import OPEN
from appliance.policy import Resource
from appliance.store import Principal, Store, TenantId, new_id
from appliance.upkeep import database
from appliance.upkeep.errors import UnknownSchedule
from appliance.upkeep.planning import put
from appliance.upkeep.schedules import SCHEDULES, Schedule
from appliance.upkeep.schemas import Counts, Schedules, ScheduleView
from appliance.upkeep.types import TYPES

OF_DATABASE = frozenset(one.name for one in TYPES if one.of_database)


class Upkeep:
    """Every method asks the gate for `jobs.manage`."""

    def __init__(self, store: Store, gate: Gate, jobs: Jobs, submitting: Submitting, waker: Waker) -> None:
        self._store, self._gate, self._jobs, self._submitting, self._waker = store, gate, jobs, submitting, waker

    async def owner(self, principal: Principal) -> Principal:
        """The principal, let in by the door for programs of the node itself. Raises Refused."""
        async with self._gate.admit(principal, "node.programs"):
            return principal

    async def counts(self, principal: Principal) -> Counts:
        """How much the plant's database holds."""
        async with (
            self._gate.admit(principal, "jobs.manage", Resource("job")) as admitted,
            self._store.open_session(admitted) as session,
        ):
            found = await database.counts(session)
        return Counts(tables=found, rows=sum(found.values()))

    async def begin(self, principal: Principal, new: NewJob, *, key: str | None) -> JobView:
        """Ask for a job of the database. Raises UnknownJobType, InvalidInput, TooManyJobs."""
        return await self._submitting.submit_for(principal, new, owner_id=None, key=key, of_database=True)

    async def read(self, principal: Principal, job_id: UUID) -> JobView:
        """A job of the database. Raises NoSuchJob."""
        return await self._jobs.read(principal, job_id, action="jobs.manage", kinds=OF_DATABASE)

    async def cancel(self, principal: Principal, job_id: UUID) -> tuple[JobView, bool]:
        """Ask a job of the database to stop. Raises NoSuchJob."""
        return await self._jobs.cancel(principal, job_id, action="jobs.manage", kinds=OF_DATABASE)

    async def schedules(self, principal: Principal) -> Schedules:
        """What is done by itself, when it was last done and how it went, and when next."""
        now = dt.datetime.now(dt.UTC)
        async with self._gate.admit(principal, "jobs.manage", Resource("job")):
            return Schedules(items=[await self._shown(one, principal.tenant_id, now) for one in SCHEDULES.values()])

    async def run(self, principal: Principal, name: str) -> JobView:
        """Do it now; a run that waits or goes on already is that one. Raises UnknownSchedule."""
        if (schedule := SCHEDULES.get(name)) is None:
            async with self._gate.admit(principal, "jobs.manage", Resource("job")):
                raise UnknownSchedule("No schedule has that name.")
        async with self._gate.admit(principal, "jobs.manage", Resource("job")):
            last = await last_with_key(self._store, principal.tenant_id, schedule.prefix())
            if last is not None and last.state in OPEN:
                job_id = last.job_id
            else:
                job_id = await put(self._store, self._gate, principal, schedule, f"{schedule.prefix()}now:{new_id()}")
                self._waker.wake()
        return await self._jobs.read(principal, job_id, action="jobs.manage")

    async def _shown(self, schedule: Schedule, tenant_id: TenantId, now: dt.datetime) -> ScheduleView:
        last = await last_with_key(self._store, tenant_id, schedule.prefix())
        return ScheduleView(
            name=schedule.name,
            type=schedule.type,
            says=schedule.says,
            next_run_at=schedule.next_after(now),
            last_run_at=None if last is None else last.created_at,
            last=last,
        )
