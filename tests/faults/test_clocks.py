"""The clock is set to 1970, to 2038 and past it, or back, in the middle of writing: records and jobs do not care."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from pathlib import Path

import pytest
from sqlalchemy import select, text

from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.audit.recovery import recover
from appliance.audit.tables import LeafRow
from appliance.audit.verify import verify
from appliance.gate import Gate
from appliance.jobs import RunningJob, Worker
from appliance.jobs import store as queries
from appliance.jobs.waking import Bell
from appliance.policy import PolicyEngine, Resource
from appliance.store import AUDIT, Principal, Purpose, Store, Tenant, new_id
from appliance.store.admission import minter
from tests.audit.conftest import record
from tests.faults.claiming import put
from tests.faults.clocks import Clock, wild_clock
from tests.faults.counted import Count

MOMENTS = {
    "1970": dt.datetime(1970, 1, 1, 0, 0, 1, tzinfo=dt.UTC),
    "2038": dt.datetime(2038, 1, 19, 3, 14, 7, tzinfo=dt.UTC),
    "2099": dt.datetime(2099, 12, 31, tzinfo=dt.UTC),
    "backwards": dt.datetime(2025, 6, 1, tzinfo=dt.UTC),
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
async def test_a_clock_that_is_set_while_something_is_recorded_loses_nothing(
    store: Store, tenant: Tenant, moment: dt.datetime, counted: Count
) -> None:
    done = []
    with wild_clock() as clock:
        for step in range(4):
            clock.set(dt.datetime(2026, 11, 28, tzinfo=dt.UTC))
            recorder = Recorder(store, Instance(store.data / "run"), checkpoint_every=2)
            gate = Gate(PolicyEngine(), recorder, minter())
            store.post_record = gate.post_record
            done.append(await _change(store, tenant, gate, clock, moment, step))
            (kept,) = await recorder.append(record(tenant))
            done.append(str(kept.id))
            await gate.close()
            await recorder.close()
            counted.tries += 1
        again = Recorder(store, Instance(store.data / "run"))
        found = await recover(store, again)
        await again.close()
    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        raw = await session.scalars(select(LeafRow.record).where(LeafRow.log == f"{tenant.id}/1").order_by(LeafRow.seq))
        records = [json.loads(one) for one in raw]
    known = {one["id"] for one in records} | {one["correlation_id"] for one in records if one["phase"] == "post"}
    counted.acknowledged = len(done)
    counted.note(f"acknowledged and lost: {one}" for one in done if one not in known)
    counted.note([f"the log no longer reaches {one.log}" for one in found.disputed])

    assert (counted.lost, counted.wrong) == ([], [])
    assert (await verify(store)).ok
    assert any(one["created_at"].startswith(str(moment.year)) for one in records), "the clock was not asked"


async def _change(store: Store, tenant: Tenant, gate: Gate, clock: Clock, moment: dt.datetime, step: int) -> str:
    """A recorded change, with the clock set before its record, in the writing, before its commit, or after that."""
    nora = Principal(new_id(), "person", tenant.id, "Nora North", "operator", 2)
    if step == 0:
        clock.set(moment)
    async with gate.admit(nora, "documents.upload", Resource("document")) as admitted:
        if step == 1:
            clock.set(moment)
        async with store.open_session(admitted, write=True) as session:
            await session.execute(text("UPDATE meta SET created_at = created_at"))
            if step == 2:
                clock.set(moment)
        if step == 3:
            clock.set(moment)
    return str(admitted.correlation_id)


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
async def test_a_clock_that_is_set_while_a_job_is_done_leaves_it_done_once(
    store: Store, tenant: Tenant, moment: dt.datetime, tmp_path: Path, counted: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.jobs.worker.LOOK_SECONDS", 0.02)
    runs = []
    with wild_clock() as clock:

        async def work(job: RunningJob) -> dict[str, int]:
            runs.append(job.id)
            clock.set(moment if len(runs) == 1 else dt.datetime(2026, 11, 28, tzinfo=dt.UTC))
            await job.progress(0.5, "half way")
            if len(runs) == len(made):
                worker.stop(grace=30)
            return {"done": 1}

        clock.set(dt.datetime(2026, 11, 28, tzinfo=dt.UTC))
        made = [await put(store, tenant) for _ in range(3)]
        worker = Worker(store, {"work": work}, name="one", is_alive="one".__eq__, bell=Bell(tmp_path / "b"))
        async with asyncio.timeout(30):
            await worker.run()
    counted.tries, counted.acknowledged = 1, len(made)
    for job_id in made:
        async with store.open_internal(Purpose.VERIFY, tenant.id) as session:
            row = await queries.find(session, job_id)
        counted.note(["the job is lost"] if row is None else [] if row.state == "finished" else [f"it is {row.state}"])

    assert (counted.lost, counted.wrong) == ([], [])
    assert sorted(runs) == sorted(made)
