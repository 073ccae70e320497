"""What the jobs of upkeep find and do, over both databases."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text, update

from appliance.audit.errors import RecordUnavailable
from appliance.errors import Damaged
from appliance.jobs import enqueue
from appliance.jobs.tables import JobEventRow, JobRow
from appliance.news import box
from appliance.news.values import Reader
from appliance.store import Admitted, Purpose, new_id
from appliance.upkeep import database
from appliance.upkeep.errors import CheckFailed
from tests.upkeep.conftest import House

MakeAdmitted = Callable[..., Admitted]


async def aged(house: House, admitted: MakeAdmitted, state: str, days: int) -> Any:
    """A job in `state` that has not changed for so many days."""
    action = admitted()
    async with house.store.open_internal(Purpose.CLAIM, house.tenant.id, write=True) as session:
        job_id = await enqueue(session, kind="work", payload={}, owner=action.principal)
        moment = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
        path = {"finished": ("running", "finished"), "failed": ("running", "failed"), "cancelled": ("cancelled",)}
        for one in path.get(state, ()):
            await session.execute(update(JobRow).where(JobRow.id == job_id).values(state=one))
        await session.execute(update(JobRow).where(JobRow.id == job_id).values(updated_at=moment))
    return job_id


async def test_a_sound_database_passes_its_check(house: House) -> None:
    assert await house.do("db.check") == {"found": []}


async def test_a_page_that_was_altered_on_the_disk_is_found(house: House, backend: str) -> None:
    if backend == "postgres":
        return  # the server checks its own pages
    async with house.store.open_internal(Purpose.VERIFY, house.tenant.id) as session:
        size = int((await session.execute(text("PRAGMA page_size"))).scalar_one())
    file = house.store.data / "tenants" / str(house.tenant.id) / "tenant.db"
    with file.open("r+b") as raw:
        raw.seek(file.stat().st_size - size + 100)
        raw.write(b"altered" * 9)

    with pytest.raises(Damaged):
        await house.do("db.check")


async def test_the_indexes_are_put_in_order_and_the_database_is_sound_afterwards(house: House) -> None:
    done = await house.do("db.optimize")

    assert done["done"]
    assert await house.do("db.check") == {"found": []}


async def test_old_jobs_go_with_their_events_and_failed_ones_stay_longer(house: House, admitted: MakeAdmitted) -> None:
    gone = [await aged(house, admitted, "finished", 31), await aged(house, admitted, "cancelled", 31)]
    kept = [
        await aged(house, admitted, "finished", 29),
        await aged(house, admitted, "failed", 31),
        await aged(house, admitted, "queued", 400),
    ]
    gone.append(await aged(house, admitted, "failed", 91))

    assert await house.do("cleanup") == {"jobs": 3, "exports": 0}

    assert sorted(job.id for job in await house.jobs()) == sorted(kept)
    async with house.store.open_internal(Purpose.VERIFY, house.tenant.id) as session:
        for one in gone:
            assert (await session.get(JobEventRow, (one, 1))) is None


async def test_old_exports_go_and_new_ones_and_those_of_others_stay(house: House) -> None:
    old = (await house.do("record.export"))["file"]
    new = (await house.do("record.export"))["file"]
    mine, others = house.exports / str(house.tenant.id), house.exports / str(new_id())
    others.mkdir()
    shutil.copy(mine / old, others / old)
    long_ago = (dt.datetime.now(dt.UTC) - dt.timedelta(days=31)).timestamp()
    for path in (mine / old, others / old):
        os.utime(path, (long_ago, long_ago))

    assert (await house.do("cleanup"))["exports"] == 1

    assert [path.name for path in mine.iterdir()] == [new]
    assert (others / old).exists()


async def test_what_is_up_and_what_is_down_is_told_with_its_time(house: House) -> None:
    parts = (await house.do("health.check"))["parts"]

    assert (parts["models"]["up"], parts["models"]["said"]) == (True, "in order")
    assert (parts["providers"]["up"], parts["providers"]["said"]) == (False, "It does not answer.")
    assert all(one["ms"] >= 0 for one in parts.values())


async def heard(house: House) -> list[tuple[str, dict[str, Any]]]:
    """What an admin is told of."""
    async with house.store.open_internal(Purpose.VERIFY, house.tenant.id) as session:
        found = await box.page(session, Reader(new_id(), ("node.health",)), unread=True, limit=10)
    return [(one.kind, dict(one.params)) for one in found]


async def test_a_part_that_is_down_is_heard_of_once_a_day(house: House) -> None:
    await house.do("health.check")
    await house.do("health.check")

    assert await heard(house) == [("part.down", {"part": "providers"})]


async def test_a_record_that_cannot_be_written_is_heard_of(house: House) -> None:
    await house.recorder.close()

    with pytest.raises(RecordUnavailable):
        await house.do("health.check")

    assert await heard(house) == [("record.stopped", {})]


async def test_the_record_is_written_to_a_file_that_says_so(house: House) -> None:
    await house.do("cleanup")

    written = await house.do("record.export", form="jsonl")

    lines = (house.exports / str(house.tenant.id) / written["file"]).read_text().splitlines()
    header = json.loads(lines[0])
    assert written["records"] >= 2
    assert header["whole"] is True


async def test_a_failed_check_is_no_secret(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def wrong(_session: object) -> list[str]:
        return ["page 7 is not as it was written"]

    monkeypatch.setattr(database, "check", wrong)

    with pytest.raises(CheckFailed, match="page 7"):
        await house.do("db.check")


async def test_rows_are_counted_by_table(house: House, admitted: MakeAdmitted) -> None:
    await aged(house, admitted, "queued", 0)
    async with house.store.open_internal(Purpose.VERIFY, house.tenant.id) as session:
        found = await database.counts(session)

    assert (found["jobs"], found["job_events"]) == (1, 1)
