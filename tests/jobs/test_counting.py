"""What a monitor is told of the queues, over both databases."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from prometheus_client import REGISTRY
from sqlalchemy import update

from appliance.compose.gauges import BEAT, gauges_of
from appliance.jobs import enqueue
from appliance.jobs import store as queries
from appliance.jobs.service import measured
from appliance.jobs.tables import JobRow
from appliance.store import Purpose, Store, Tenant
from tests.jobs.test_worker import MakeAdmitted, Nursery, put, until


async def test_waiting_work_has_an_age_and_what_is_put_off_has_none(
    store: Store, tenant: Tenant, admitted: MakeAdmitted
) -> None:
    owner, now = admitted().principal, dt.datetime.now(dt.UTC)
    async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
        await enqueue(session, kind="now", payload={}, owner=owner)
        await enqueue(session, kind="later", payload={}, owner=owner, not_before=now + dt.timedelta(days=1))

    found = await measured(store, tenant.id, now + dt.timedelta(minutes=5))

    assert dict(found.states) == {("now", "queued"): 1, ("later", "queued"): 1}
    assert found.oldest.keys() == {"now"}
    assert 200 < found.oldest["now"] < 400


async def test_times_tries_and_dead_letters_are_those_of_the_rows(
    store: Store, tenant: Tenant, admitted: MakeAdmitted, tmp_path: Path
) -> None:
    nursery = Nursery(store, tmp_path)

    async def work(_: object) -> None:
        return None

    async def broken(_: object) -> None:
        raise ValueError

    job_id = await put(store, admitted)
    dead = await put(store, admitted, kind="broken")
    async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
        await session.execute(update(JobRow).where(JobRow.id == dead).values(attempt=2))
    nursery.start(work=work, broken=broken)
    await until(store, tenant, job_id, "finished")
    await until(store, tenant, dead, "failed")
    await nursery.stop()

    found = await measured(store, tenant.id, dt.datetime.now(dt.UTC))

    assert dict(found.ended) == {("work", "finished"): 1, ("broken", "failed"): 1}
    assert dict(found.dead) == {("broken", "gave-up"): 1}
    assert dict(found.retries) == {"broken": 2}
    assert len(found.seconds["work"]) == 1
    assert found.seconds["work"][0] >= 0


async def test_a_scrape_shows_all_plants_together_and_strange_types_as_other(
    store: Store, tenant: Tenant, other_tenant: Tenant, admitted: MakeAdmitted, tmp_path: Path
) -> None:
    for one in (tenant, other_tenant):
        async with store.open_internal(Purpose.CLAIM, one.id, write=True) as session:
            for kind in ("ingest", "strange", "stranger"):
                await enqueue(session, kind=kind, payload={}, owner=admitted(tenant=one).principal)
    read = gauges_of(store, tmp_path, ["ingest"])
    await read()

    def shown(kind: str) -> float | None:
        return REGISTRY.get_sample_value("outpost_jobs_by_type", {"type": kind, "state": "queued"})

    assert (shown("ingest"), shown("other"), shown("strange")) == (2.0, 4.0, None)
    assert REGISTRY.get_sample_value("outpost_worker_heartbeat_age_seconds") == float("inf")
    (tmp_path / BEAT).touch()
    async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
        for job in await queries.recent(session, owner_id=None, state="queued", limit=9, before=None):
            await session.delete(job)
    await read()
    assert (shown("ingest"), shown("other")) == (1.0, 2.0)
    assert (REGISTRY.get_sample_value("outpost_worker_heartbeat_age_seconds") or 0) < 60
