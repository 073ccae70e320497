"""Retention over both databases: what goes, what stays, what is still proven."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import uuid
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from appliance.audit import NewRecord, Recorder
from appliance.audit.channel import Transaction
from appliance.audit.errors import RecordUnavailable
from appliance.audit.export import export
from appliance.audit.purging import purge
from appliance.audit.tables import CheckpointRow, LeafRow, PersonalRow, TileRow
from appliance.audit.verify import verify
from appliance.holds import Holds
from appliance.holds.rules import Hold
from appliance.store import AUDIT, Principal, Purpose, Tenant, new_id
from appliance.upkeep import types
from appliance.upkeep.errors import ClockJumped, TooYoung
from tests.audit.conftest import record
from tests.audit.test_export import checked
from tests.upkeep.conftest import House

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
WORK, NORA, MANUAL = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()


def at(tenant: Tenant, age: float, **members: object) -> NewRecord:
    return dataclasses.replace(record(tenant, **members), created_at=NOW - age * DAY)


async def grown(recorder: Recorder, tenant: Tenant, years: int = 9, each: int = 100) -> None:
    """A log of `years`, with so many records in each quarter."""
    for quarter in range(4 * years, -1, -1):
        many = [at(tenant, quarter * 91, personal={"username": "nora"}) for _ in range(each)]
        await recorder.append(*many)


def admin(tenant: Tenant) -> Principal:
    return Principal(new_id(), "person", tenant.id, "Ada Admin", "admin", 2)


async def left(house: House) -> tuple[int, int, int]:
    """The first record that is there, how many leaves, how many personal fields."""
    log = f"{house.tenant.id}/1"
    async with house.store.open_internal(Purpose.VERIFY, AUDIT) as session:
        first = await session.scalar(select(func.min(LeafRow.seq)).where(LeafRow.log == log))
        leaves = await session.scalar(select(func.count()).select_from(LeafRow).where(LeafRow.log == log))
        personal = await session.scalar(select(func.count()).select_from(PersonalRow))
    return first or 0, leaves or 0, personal or 0


async def test_whole_segments_of_old_records_go_and_the_rest_is_still_proven(house: House, tmp_path: Path) -> None:
    await grown(house.recorder, house.tenant)
    before, early = tmp_path / "before.jsonl", tmp_path / "kept.txt"
    whole = await export(house.store, house.tenant.id, before)
    early.write_text(whole.note)
    async with house.store.open_internal(Purpose.VERIFY, AUDIT) as session:
        first = (await session.scalars(select(CheckpointRow.note).order_by(CheckpointRow.size))).first()
        notes = await session.scalar(select(func.count()).select_from(CheckpointRow))
        tiles = await session.scalar(select(func.count()).select_from(TileRow))
    older = tmp_path / "older.txt"
    older.write_text(first or "")

    told = await house.do(types.PURGE)

    # 9 years of 4 quarters of 100; those of more than 2557 days ago are quarters 29 to 36: 800 records, 3 whole segments.
    assert (told["records"], told["kept_from"], told["held_by_record"]) == (768, 768, None)
    place, _, personal = await left(house)
    assert (place, personal) == (768, 3700 - 768 + 2)  # the two records of the purge name who did it
    async with house.store.open_internal(Purpose.VERIFY, AUDIT) as session:
        assert (await session.scalar(select(func.count()).select_from(CheckpointRow)) or 0) >= (notes or 0)
        assert (await session.scalar(select(func.count()).select_from(TileRow)) or 0) >= (tiles or 0)
    assert (await verify(house.store)).every_finding() == []
    after = tmp_path / "after.jsonl"
    await export(house.store, house.tenant.id, after)
    code, said = await checked(after, "--kept", str(early), "--kept", str(older))
    assert code == 0, said
    assert "records 0 to 767, when their time was over; it begins with 768" in said
    assert (await house.do(types.PURGE))["records"] == 0


async def test_a_dry_run_says_the_same_and_removes_nothing(house: House) -> None:
    await grown(house.recorder, house.tenant)

    dry = await house.do(types.PURGE, dry_run=True)

    assert (dry["records"], (await left(house))[0]) == (768, 0)
    earlier = (NOW - 3000 * DAY).isoformat()
    assert (await house.do(types.PURGE, dry_run=True, before=earlier))["records"] < 768


@pytest.mark.parametrize("which", ["all", "period", "person", "document", "work"])
async def test_what_a_hold_names_stops_the_purge_until_it_is_released(house: House, which: str) -> None:
    await house.recorder.append(*(at(house.tenant, 3000) for _ in range(300)))
    await house.recorder.append(
        at(house.tenant, 2999, user_id=NORA, correlation_id=WORK, resource_type="document", resource_id=str(MANUAL))
    )
    await house.recorder.append(*(at(house.tenant, 2998) for _ in range(300)))
    await house.recorder.append(*(at(house.tenant, age) for age in range(2900, 0, -100)))
    hold = {
        "all": Hold(), "period": Hold(NOW - 2999 * DAY, NOW - 2998.5 * DAY), "person": Hold(user_id=NORA),
        "document": Hold(document_id=MANUAL), "work": Hold(correlation_id=WORK),
    }[which]  # fmt: skip
    holds = Holds(house.store, house.gate)
    row = await holds.set(admin(house.tenant), hold, "claim 7")
    kept, stopped = (0, 0) if which == "all" else (256, 300)

    assert (await house.do(types.PURGE, dry_run=True))["held_by_record"] == stopped
    assert (await house.do(types.PURGE))["kept_from"] == kept
    assert (await left(house))[0] == kept
    await holds.release(admin(house.tenant), row.id, "settled")

    assert (await house.do(types.PURGE))["kept_from"] == 512


async def test_what_has_to_be_kept_is_not_purged_whatever_is_asked(house: House) -> None:
    await grown(house.recorder, house.tenant)

    with pytest.raises(TooYoung):
        await house.do(types.PURGE, before=(NOW - 100 * DAY).isoformat())
    with pytest.raises(RecordUnavailable):  # of 30 days the database itself lets nobody take anything
        await purge(house.recorder, house.tenant.id, 256, before=NOW, now=NOW)
    with pytest.raises(RecordUnavailable):  # no segment ends there
        await purge(house.recorder, house.tenant.id, 300, before=NOW - 2600 * DAY, now=NOW)
    with pytest.raises(RecordUnavailable):  # younger ones among them
        await purge(house.recorder, house.tenant.id, 2560, before=NOW - 2600 * DAY, now=NOW)
    assert (await left(house))[0] == 0


async def test_a_clock_that_was_set_forward_purges_nothing(house: House) -> None:
    await house.recorder.append(*(at(house.tenant, 10) for _ in range(600)))
    await house.recorder.append(*(at(house.tenant, -4000) for _ in range(600)))
    house.working._retention._clock = lambda: NOW + 4000 * DAY

    with pytest.raises(ClockJumped):
        await house.do(types.PURGE)
    assert (await left(house))[0] == 0


async def test_work_that_has_not_ended_is_not_purged(house: House) -> None:
    await house.recorder.append(*(at(house.tenant, 3000) for _ in range(300)))
    await house.recorder.append(at(house.tenant, 3000, phase="pre"))
    await house.recorder.append(*(at(house.tenant, 3000) for _ in range(300)))
    await house.recorder.append(*(at(house.tenant, age) for age in range(2900, 0, -100)))

    assert (await house.do(types.PURGE))["kept_from"] == 256


async def test_the_database_lets_no_single_record_go(house: House) -> None:
    await grown(house.recorder, house.tenant)
    await house.do(types.PURGE)

    for statement in (
        "DELETE FROM leaves WHERE seq = 800", "DELETE FROM tiles", "DELETE FROM purged", "UPDATE purged SET size = 2560",
    ):  # fmt: skip
        channel = await house.recorder._open()
        with pytest.raises(RecordUnavailable):
            await channel.run(partial(_run, statement), lambda _: None)
    assert (await verify(house.store)).ok


def _run(statement: str, transaction: Transaction) -> None:
    transaction.rows(text(statement))


async def test_a_purge_is_recorded_with_what_it_did(house: House) -> None:
    await grown(house.recorder, house.tenant)
    await house.do(types.PURGE)

    async with house.store.open_internal(Purpose.VERIFY, AUDIT) as session:
        last = await session.scalar(select(LeafRow.record).order_by(LeafRow.seq.desc()).limit(1))
    told = json.loads(last or b"{}")
    assert (told["phase"], told["metadata"]["type"]) == ("post", "record.purge")
    assert (told["metadata"]["records"], told["metadata"]["kept_from"]) == (768, 768)


async def test_every_changed_byte_of_what_stands_for_the_purged_records_is_found(house: House, tmp_path: Path) -> None:
    await grown(house.recorder, house.tenant)
    await house.do(types.PURGE)
    out = tmp_path / "after.jsonl"
    await export(house.store, house.tenant.id, out)
    header, purged, *rest = out.read_bytes().splitlines(keepends=True)
    line = json.loads(purged)

    def again(**changed: object) -> list[bytes]:
        return [header, json.dumps({**line, **changed}, separators=(",", ":")).encode() + b"\n", *rest]

    swapped = line["frontier"][::-1]
    for name, lines in {
        "another hash": again(frontier=["0" * 64, *line["frontier"][1:]]),
        "hashes swapped": again(frontier=swapped),
        "one hash less": again(frontier=line["frontier"][1:]),
        "fewer": again(purged=512),
        "more": again(purged=1024),
        "no segment": again(purged=700),
        "left out": [header, *rest],
        "twice": [header, purged, purged, *rest],
    }.items():
        bad = tmp_path / "bad.jsonl"
        bad.write_bytes(b"".join(lines))
        assert (await checked(bad))[0] == 1, name
