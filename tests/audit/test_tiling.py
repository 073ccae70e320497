"""A log as a folder of tiles: worked out again from nothing but the files, as somebody else's tool would."""

from __future__ import annotations

import asyncio
import signal
import sys
import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import insert

from appliance.audit import Recorder
from appliance.audit.channel import Transaction, in_session
from appliance.audit.errors import RecordTooLong, UnknownLog
from appliance.audit.proofs import fill
from appliance.audit.recorder import signer_of
from appliance.audit.rules import leaf_hash, node_hash
from appliance.audit.tables import LeafRow
from appliance.audit.tiling import export_tiles, tile_path
from appliance.audit.values import log_name
from appliance.cli import app
from appliance.commands.auditing import TilesAreWhole, export_record
from appliance.settings import load as load_settings
from appliance.store import AUDIT, Purpose, Store, Tenant, new_id
from tests.audit.conftest import record
from tests.audit.test_export import script

ROOT = Path(__file__).resolve().parents[2]
EPOCH = 3
"""Not the one that the node is in: nothing else is in that log."""


async def filled(store: Store, tenant: Tenant, records: list[bytes]) -> None:
    """A log of these very bytes, as appending them would have made it."""
    log = log_name(tenant.id, EPOCH)
    rows = [
        {
            "log": log, "seq": seq, "id": str(new_id()), "hash": leaf_hash(raw), "record": raw, "event_type": "test",
            "user_id": None, "created_at": "", "correlation_id": None,
        }
        for seq, raw in enumerate(records)
    ]  # fmt: skip

    def grow(transaction: Transaction) -> None:
        for start in range(0, len(rows), 5000):
            transaction.many(insert(LeafRow), rows[start : start + 5000])
        fill(transaction, log, 0, len(rows))

    async with store.open_internal(Purpose.RECORD, AUDIT, write=True) as session:
        await in_session(session, grow)


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def tiles(folder: Path, level: int, count: int) -> Iterator[list[bytes]]:
    """The tiles of a level for `count` hashes, by the rules of the standard."""
    for place in range(-(-count // 256)):
        width = min(256, count - 256 * place)
        digits = f"{place:09}"
        parts = [f"x{digits[:3]}", f"x{digits[3:6]}", digits[6:]]
        parts = parts[2:] if place < 1000 else parts[1:]
        path = folder.joinpath("tile", str(level), *parts)
        raw = (path if width == 256 else path.with_name(f"{path.name}.p") / str(width)).read_bytes()
        assert len(raw) == 32 * width
        yield [raw[at : at + 32] for at in range(0, len(raw), 32)]


def folded(hashes: list[bytes]) -> bytes:
    """The root over hashes: RFC 6962, section 2.1."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    return node_hash(folded(hashes[:split]), folded(hashes[split:]))


def checked(folder: Path, public_key: bytes, records: list[bytes], *, floor: int = 0) -> None:
    """Everything in the folder fits everything else, its checkpoint and the records."""
    note = script.open_note((folder / "checkpoint").read_text(), public_key)
    assert note.size == len(records)
    levels = []
    level, count = 0, note.size
    while count:
        levels.append([one for tile in tiles(folder, level, count) for one in tile])
        level, count = level + 1, count // 256
    assert folded(levels[0]) == note.root
    for lower, upper in pairwise(levels):
        assert upper == [folded(lower[at : at + 256]) for at in range(0, len(lower) // 256 * 256, 256)]
    assert levels[0] == [leaf_hash(raw) for raw in records]
    seen: list[bytes] = []
    for place in range(floor // 256, -(-note.size // 256)):
        width = min(256, note.size - 256 * place)
        raw = (folder / tile_path("entries", place, width)).read_bytes()
        while raw:
            length = int.from_bytes(raw[:2], "big")
            seen, raw = [*seen[-300:], raw[2 : 2 + length]], raw[2 + length :]
            assert len(seen[-1]) == length
        assert seen[-width:] == records[256 * place : 256 * place + width]


@pytest.mark.parametrize(
    ("level", "place", "width", "path"),
    [
        ("0", 0, 256, "tile/0/000"),
        ("0", 0, 1, "tile/0/000.p/1"),
        ("entries", 999, 256, "tile/entries/999"),
        ("1", 1000, 255, "tile/1/x001/000.p/255"),
        ("0", 1234067, 256, "tile/0/x001/x234/067"),
    ],
)
def test_a_tile_stands_where_the_standard_has_it(level: str, place: int, width: int, path: str) -> None:
    assert str(tile_path(level, place, width)) == path


@pytest.mark.parametrize("size", [1, 255, 256, 257, 513])
async def test_a_log_is_worked_out_again_from_its_tiles(
    store: Store, recorder: Recorder, tenant: Tenant, tmp_path: Path, size: int
) -> None:
    records = [b"record %d" % seq for seq in range(size)]
    await filled(store, tenant, records)

    written = await export_tiles(store, tenant.id, tmp_path / "log", epoch=EPOCH)

    assert (written.records, written.size) == (size, size)
    checked(tmp_path / "log", recorder.signer.public_key, records)
    assert [path.name for path in tmp_path.glob("*log*")] == ["log"]


async def test_a_long_log_has_the_tiles_that_the_standard_counts_and_takes_no_memory(
    node_store: Store, tenant: Tenant, tmp_path: Path
) -> None:
    records = [b"%0600d" % seq for seq in range(70_000)]
    await filled(node_store, tenant, records)
    public_key = signer_of(node_store).public_key

    tracemalloc.start()
    await export_tiles(node_store, tenant.id, tmp_path / "log", epoch=EPOCH)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    found = files(tmp_path / "log")
    by_level = {level: {name for name in found if name.startswith(f"tile/{level}/")} for level in ("0", "1", "2")}
    # c2sp.org/tlog-tiles: a tree of 70,000
    assert {level: len(names) for level, names in by_level.items()} == {"0": 274, "1": 2, "2": 1}
    assert {"tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1", "checkpoint"} <= found
    checked(tmp_path / "log", public_key, records)
    # All of its records are 42 MB; reading its end to know its head, where no checkpoint was saved, is most of this.
    assert peak < 25 * 2**20


async def test_what_was_purged_has_its_hashes_and_no_entries(
    store: Store, recorder: Recorder, tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [b"record %d" % seq for seq in range(600)]
    await filled(store, tenant, records)

    async def floor(*_: object) -> int:
        return 256

    monkeypatch.setattr("appliance.audit.tiling.floor_of", floor)
    written = await export_tiles(store, tenant.id, tmp_path / "log", epoch=EPOCH)

    assert (written.records, written.size) == (600 - 256, 600)
    assert not (tmp_path / "log" / "tile" / "entries" / "000").exists()
    checked(tmp_path / "log", recorder.signer.public_key, records, floor=256)


async def test_a_log_that_cannot_be_written_as_tiles_leaves_nothing(
    store: Store, tenant: Tenant, tmp_path: Path
) -> None:
    await filled(store, tenant, [b"short", b"x" * 65_536])
    with pytest.raises(RecordTooLong):
        await export_tiles(store, tenant.id, tmp_path / "log", epoch=EPOCH)
    with pytest.raises(UnknownLog):
        await export_tiles(store, tenant.id, tmp_path / "log", epoch=EPOCH + 1)
    with pytest.raises(OSError, match="log") as caught:
        await export_tiles(store, tenant.id, tmp_path / "nowhere" / "log", epoch=EPOCH)
    assert caught.value.filename == str(tmp_path / "nowhere" / "log")

    assert not list(tmp_path.glob("*log*"))


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from uuid import UUID
from appliance.audit import tiling
from appliance.store import open_store
put, left = tiling._put, [int(sys.argv[4])]
def kill(path, content):
    put(path, content)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
tiling._put = kill
async def main():
    store = await open_store(Path(sys.argv[1]))
    await tiling.export_tiles(store, UUID(sys.argv[2]), Path(sys.argv[3]), epoch=3)
asyncio.run(main())
"""


@pytest.mark.parametrize("after", [1, 3, 7])
async def test_an_export_that_is_killed_leaves_no_folder_of_that_name_and_the_next_one_goes_through(
    node_store: Store, tenant: Tenant, tmp_path: Path, after: int
) -> None:
    records = [b"record %d" % seq for seq in range(600)]
    await filled(node_store, tenant, records)
    out = tmp_path / "log"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, str(node_store.data), str(tenant.id), str(out), str(after), cwd=ROOT
    )
    assert await child.wait() == -signal.SIGKILL
    assert not out.exists()

    await export_tiles(node_store, tenant.id, out, epoch=EPOCH)

    checked(out, signer_of(node_store).public_key, records)
    assert [path.name for path in tmp_path.glob("*log*")] == ["log"]


async def test_a_draft_that_is_a_link_is_not_followed(node_store: Store, tenant: Tenant, tmp_path: Path) -> None:
    await filled(node_store, tenant, [b"one"])
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    (tmp_path / ".log.part").symlink_to(tmp_path / "precious")

    await export_tiles(node_store, tenant.id, tmp_path / "log", epoch=EPOCH)

    assert files(tmp_path / "precious") == {"file"}
    assert not (tmp_path / "log").is_symlink()


async def test_the_owner_exports_tiles_and_an_earlier_epoch_by_command(
    node_store: Store, tenant: Tenant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [b'{"n":%d}' % seq for seq in range(3)]
    await filled(node_store, tenant, records)
    settings = load_settings(data=str(node_store.data))
    await node_store.close()

    await export_record(settings, tmp_path / "log", tenant=None, as_json=False, form="tiles", epoch=EPOCH)
    assert "tile/0/000.p/3" in files(tmp_path / "log")
    await export_record(settings, tmp_path / "old.jsonl", tenant=None, as_json=True, epoch=EPOCH)
    assert f'"log": "{tenant.id}/{EPOCH}"' in capsys.readouterr().out
    with pytest.raises(UnknownLog):
        await export_record(settings, tmp_path / "never.jsonl", tenant=None, as_json=True, epoch=9)
    with pytest.raises(TilesAreWhole):
        await export_record(
            settings, tmp_path / "part", tenant=None, as_json=True, form="tiles", since=record(None).created_at
        )


@pytest.mark.parametrize("words", [[], ["a.jsonl", "--tiles", "b"], ["--tiles", "b", "--format", "csv"]])
def test_one_thing_is_written_by_one_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert app(["audit", "export", *words], exit_on_error=False) == 2
    assert "Name one thing to write" in capsys.readouterr().err
