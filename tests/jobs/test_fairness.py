"""A plant with a long queue does not keep another from its turn, over both databases."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import select, update

from appliance.jobs import RunningJob, Worker, enqueue, rules
from appliance.jobs.tables import JobRow
from appliance.jobs.waking import Bell
from appliance.store import Purpose, Store, Tenant, TenantId
from tests.jobs.test_worker import MakeAdmitted


async def fill(store: Store, admitted: MakeAdmitted, tenant: Tenant, count: int, priority: int = 5) -> None:
    owner = admitted(tenant=tenant).principal
    async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
        for _ in range(count):
            await enqueue(session, kind="work", payload={}, owner=owner, priority=priority)


async def order(store: Store, folder: Path, most: int) -> list[TenantId]:
    """Whose jobs a worker does, in order, until it has done so many."""
    done: list[TenantId] = []

    async def work(job: RunningJob) -> None:
        done.append(job.tenant_id)
        if len(done) >= most:
            worker.stop(grace=5)

    bell = Bell(folder / "worker.sock")
    worker = Worker(store, {"work": work}, name="one", is_alive=lambda _: False, bell=bell)
    await asyncio.wait_for(worker.run(), 60)
    return done


@pytest.mark.parametrize("priority", [5, 9])
async def test_three_jobs_do_not_wait_for_a_thousand(
    store: Store, tenant: Tenant, other_tenant: Tenant, admitted: MakeAdmitted, tmp_path: Path, priority: int
) -> None:
    await fill(store, admitted, tenant, 1000, priority)
    await fill(store, admitted, other_tenant, 3)

    done = await order(store, tmp_path, 8)

    assert done.count(other_tenant.id) == 3
    assert all(other_tenant.id in done[start : start + 2] for start in (0, 2, 4))


async def test_a_plant_whose_jobs_end_the_worker_is_not_first_again(
    store: Store, tenant: Tenant, other_tenant: Tenant, admitted: MakeAdmitted, tmp_path: Path
) -> None:
    await fill(store, admitted, tenant, 50)
    await fill(store, admitted, other_tenant, 1)
    long = dt.datetime.now(dt.UTC) + rules.LEASE
    async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
        one = (await session.scalars(select(JobRow.id).limit(1))).one()
        taken = {"state": "running", "worker": "dead", "attempt": 1, "lease_until": long}
        await session.execute(update(JobRow).where(JobRow.id == one).values(taken))

    assert (await order(store, tmp_path, 2))[0] == other_tenant.id
