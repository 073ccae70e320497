"""Backups of both databases: whole, proven, thinned out, and never half a one."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.store import new_id
from appliance.store.errors import BackupUnsound, StoreFull
from appliance.upkeep import rules
from appliance.upkeep.backups import Backups
from appliance.upkeep.manifests import check_sums, keys_in, manifest_of
from tests.upkeep.conftest import House

moments = st.datetimes(dt.datetime(1999, 1, 1), dt.datetime(2090, 1, 1)).map(
    lambda one: one.replace(tzinfo=dt.UTC, microsecond=0)
)


async def quietly(_share: float, _word: str) -> None:
    return None


def aged(folder: Path, name: str, moment: dt.datetime) -> Path:
    """Let a backup have been made then."""
    path = (folder / name).rename(folder / rules.named(moment))
    (path / "manifest.json").write_text(json.dumps(manifest_of(path) | {"made_at": moment.isoformat()}))
    return path


@given(st.lists(moments, max_size=60), st.integers(1, 9), st.integers(0, 9))
def test_the_newest_of_each_of_the_last_days_and_weeks_stays(found: list[dt.datetime], daily: int, weekly: int) -> None:
    stay = rules.kept(found, daily=daily, weekly=weekly)

    assert stay <= set(found)
    assert len(stay) <= daily + weekly
    if found:
        assert max(found) in stay
        last = sorted({one.date() for one in found}, reverse=True)[:daily]
        assert {max(one for one in found if one.date() == day) for day in last} <= stay
    assert rules.kept(stay, daily=daily, weekly=weekly) == stay


@given(moments)
def test_a_backup_is_named_by_its_moment(moment: dt.datetime) -> None:
    assert rules.moment_of(rules.named(moment)) == moment


@pytest.mark.parametrize("name", ["2027-03-31", "2027-13-31T000000Z", "lost+found", "2027-03-31T021500Z.old"])
def test_another_directory_is_no_backup(name: str) -> None:
    assert rules.moment_of(name) is None


async def test_a_backup_is_whole_and_its_checksums_are_those_of_sha256sum(house: House) -> None:
    await house.store.blobs.put(house.tenant.id, b"the manual" * 1000)
    made = await house.do("backup")

    path = house.backups.folder / made["backup"]
    assert made["damaged"] == made["findings"] == []
    assert len(check_sums(path)) == made["files"] > 1
    assert not list(house.backups.folder.rglob("*-wal"))
    command = ("sha256sum", "--quiet", "-c", "checksums.sha256")
    await asyncio.to_thread(subprocess.run, command, cwd=path, check=True)
    assert house.store.blobs.under(path / "tenants").names(house.tenant.id)


async def test_nothing_can_be_read_in_a_backup_and_no_master_key_is_there(house: House) -> None:
    word = f"torque-{new_id().hex}"
    await house.store.blobs.put(house.tenant.id, word.encode())
    await house.do("backup")

    for file in house.backups.folder.rglob("*"):
        if file.is_file():
            assert word.encode() not in file.read_bytes()
            assert b"North plant" not in file.read_bytes()
            assert file.name not in {"master.key", "master.json", "credentials.json"}
    assert "recovery.wrapped" in keys_in(house.backups.folder / "keys.json")


async def test_what_a_backup_before_holds_is_shared_with_it(house: House) -> None:
    name = await house.store.blobs.put(house.tenant.id, b"one manual")
    one = await house.backups.make(quietly)
    old = aged(house.backups.folder, one.name, one.made_at - dt.timedelta(days=1))
    await house.store.blobs.put(house.tenant.id, b"another manual")
    two = await house.backups.make(quietly)

    place = f"tenants/{house.tenant.id}/blobs/{name[:2]}/{name}"
    assert (old / place).samefile(house.backups.folder / two.name / place)
    assert len(house.store.blobs.under(house.backups.folder / two.name / "tenants").names(house.tenant.id)) == 2


async def test_a_shared_file_that_has_gone_bad_is_copied_again(house: House) -> None:
    name = await house.store.blobs.put(house.tenant.id, b"one manual")
    one = await house.backups.make(quietly)
    place = f"tenants/{house.tenant.id}/blobs/{name[:2]}/{name}"
    old = aged(house.backups.folder, one.name, one.made_at - dt.timedelta(days=1))
    with (old / place).open("r+b") as raw:
        raw.seek(20)
        raw.write(b"rot")
    two = await house.backups.make(quietly)

    assert house.store.blobs.under(house.backups.folder / two.name / "tenants").is_whole(house.tenant.id, name)
    with pytest.raises(BackupUnsound):
        check_sums(old)


async def test_a_stored_file_that_is_damaged_in_the_node_is_named_and_stops_no_backup(house: House) -> None:
    name = await house.store.blobs.put(house.tenant.id, b"one manual")
    (house.store.data / f"tenants/{house.tenant.id}/blobs/{name[:2]}/{name}").write_bytes(b"rot")

    assert (await house.do("backup"))["damaged"] == [f"{house.tenant.id}/{name}"]


async def test_the_backup_of_one_plant_does_for_those_who_asked_at_the_same_time(house: House) -> None:
    asked = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=2)
    one, two = await asyncio.gather(*(house.backups.make(quietly, since=asked) for _ in range(2)))

    assert one == two
    assert len(house.backups.all()) == 1


async def test_one_from_before_the_clock_was_set_right_does_for_nobody(house: House) -> None:
    made = await house.backups.make(quietly)
    aged(house.backups.folder, made.name, dt.datetime(2038, 1, 19, 3, 14, 8, tzinfo=dt.UTC))

    assert (await house.backups.make(quietly, since=dt.datetime.now(dt.UTC))).name != "2038-01-19T031408Z"


async def test_old_backups_go_and_what_is_none_of_ours_stays(house: House) -> None:
    made = await house.backups.make(quietly)
    folder = house.backups.folder
    for day in range(1, 20):
        moment = made.made_at - dt.timedelta(days=day)
        copy = shutil.copytree(folder / made.name, folder / rules.named(moment))
        (copy / "manifest.json").write_text(json.dumps(manifest_of(copy) | {"made_at": moment.isoformat()}))
    (folder / "photos").mkdir()
    await house.backups.make(quietly, daily=3, weekly=2)

    assert 3 <= len(house.backups.all()) <= 5
    assert (folder / "photos").exists()


class Killed(BaseException):
    """Power is gone."""


@pytest.mark.parametrize("step", range(5))
async def test_one_that_was_killed_at_any_step_counts_as_none(house: House, step: int) -> None:
    before = await house.backups.make(quietly)
    seen = 0

    async def die(_share: float, _word: str) -> None:
        nonlocal seen
        if seen == step:
            raise Killed
        seen += 1

    with pytest.raises(Killed):
        await house.backups.make(die)

    assert [one.name for one in house.backups.all()] == [before.name]
    check_sums(house.backups.folder / before.name)
    assert (await house.backups.make(quietly)).name != before.name


async def test_what_a_kill_has_left_is_taken_away_by_the_next_one(house: House) -> None:
    left = house.backups.folder / ".2027-03-31T021500Z"
    left.mkdir(parents=True)
    (left / "control.db").write_bytes(b"half")
    await house.backups.make(quietly)

    assert not left.exists()


async def test_a_full_disk_keeps_the_old_ones_and_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await house.backups.make(quietly)
    usage = shutil.disk_usage(house.backups.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))

    with pytest.raises(StoreFull):
        await house.backups.make(quietly)
    assert [one.name for one in house.backups.all()] == [before.name]


async def test_a_disk_that_fills_up_meanwhile_leaves_no_half(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await house.backups.make(quietly)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("appliance.upkeep.backups.sums_of", full)
    with pytest.raises(StoreFull):
        await house.backups.make(quietly)
    assert [path.name for path in house.backups.folder.glob("*Z")] == [before.name]
    assert not list(house.backups.folder.glob(".*Z"))


async def test_writing_goes_on_while_a_backup_is_made(house: House) -> None:
    async def write() -> int:
        for _ in range(20):
            await house.do("health.check")
        return 20

    made, written = await asyncio.gather(house.backups.make(quietly), write())

    assert written == 20
    assert made.findings == []


@pytest.mark.parametrize("change", ["cut", "flip", "extra", "missing"])
async def test_a_backup_that_was_altered_is_found(house: House, change: str) -> None:
    made = await house.backups.make(quietly)
    path = house.backups.folder / made.name
    victim = next(one for one in sorted(path.rglob("*")) if one.is_file() and one.name not in {"manifest.json"})
    match change:
        case "cut":
            victim.write_bytes(victim.read_bytes()[:-1])
        case "flip":
            raw = bytearray(victim.read_bytes())
            raw[len(raw) // 2] ^= 1
            victim.write_bytes(bytes(raw))
        case "extra":
            (path / "extra").write_bytes(b"")
        case _:
            victim.unlink()

    with pytest.raises(BackupUnsound):
        check_sums(path)


def test_a_folder_that_is_not_there_holds_no_backups(tmp_path: Path) -> None:
    assert Backups(None, tmp_path / "nowhere").all() == []  # type: ignore[arg-type]
