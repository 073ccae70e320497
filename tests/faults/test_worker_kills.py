"""A worker that is killed while it works loses no job, on either database. `make faults` kills 200 times."""

from __future__ import annotations

from pathlib import Path

from appliance.store import Store, Tenant
from tests.faults.counted import DEEP, KILLS, Count
from tests.faults.worker_kills import kill_workers


async def test_no_job_is_lost_or_done_by_two_when_workers_are_killed_at_it(
    store: Store, tenant: Tenant, database_url: str | None, tmp_path: Path, counted: Count
) -> None:
    # The two databases share the kills.
    kills = KILLS // 2 if DEEP else 8
    found = await kill_workers(store, tenant, database_url, tmp_path / "ledger", kills=kills, seed=11)
    counted.tries, counted.acknowledged = found.struck, found.jobs
    counted.lost, counted.wrong = found.lost, found.wrong

    assert (found.lost, found.wrong) == ([], [])
    assert found.struck, "no kill struck a job"
    assert found.finished + found.worker_lost == found.jobs
