"""An export of a long log: memory stays flat, and what interrupts it leaves no file that looks like one."""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.audit import Recorder
from appliance.audit.export import export
from appliance.audit.instances import Instance
from appliance.audit.rows import Selection
from appliance.store import Store, Tenant
from tests.audit.conftest import record
from tests.audit.test_export import checked

CHOSEN = Selection(event_type="test.chosen")


async def grown(recorder: Recorder, tenant: Tenant, count: int, *, every: int = 100) -> None:
    """So many records more, of which every hundredth is to be chosen, or none (0)."""
    for _ in range(count // 500):
        events = ["test.chosen" if every and number % every == 0 else "test.fact" for number in range(500)]
        await recorder.append(*(record(tenant, event_type=event) for event in events))


@pytest.fixture
async def writer(node_store: Store) -> AsyncIterator[Recorder]:
    recorder = Recorder(node_store, Instance(node_store.data / "run"))
    yield recorder
    await recorder.close()


async def peak_of(store: Store, tenant: Tenant, out: Path) -> int:
    tracemalloc.start()
    await export(store, tenant.id, out, selection=CHOSEN)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


async def test_the_memory_of_an_excerpt_does_not_grow_with_its_log(
    node_store: Store, tenant: Tenant, writer: Recorder, tmp_path: Path
) -> None:
    await grown(writer, tenant, 5_000)
    await export(node_store, tenant.id, tmp_path / "first.jsonl", selection=CHOSEN)  # what is loaded once is loaded
    short = await peak_of(node_store, tenant, tmp_path / "short.jsonl")
    await grown(writer, tenant, 15_000, every=0)

    long = await peak_of(node_store, tenant, tmp_path / "long.jsonl")

    # The hashes of 15,000 records alone are 480 kB, twice that with the tree above them.
    assert long - short < 300_000, (short, long)
    status, said = await checked(tmp_path / "long.jsonl")
    assert (status, "50 records, an excerpt" in said) == (0, True), said


@pytest.mark.parametrize("flags", [(), ("--from", "2000-01-01")], ids=["whole", "excerpt"])
async def test_an_export_that_is_killed_leaves_no_file_of_its_name_and_is_made_again(
    node_store: Store, tenant: Tenant, writer: Recorder, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    await grown(writer, tenant, 5_000)
    out, draft = tmp_path / "record.jsonl", tmp_path / ".record.jsonl.part"
    command = (
        sys.executable,
        "-m",
        "appliance.cli",
        "audit",
        "export",
        str(out),
        "--data",
        str(node_store.data),
        *flags,
    )
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    while not draft.exists():
        assert child.returncode is None
        await asyncio.sleep(0.001)
    child.kill()

    assert await child.wait() == -signal.SIGKILL
    assert not out.exists()

    again = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    assert await again.wait() == 0
    assert (await checked(out))[0] == 0
    assert not draft.exists()


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond so many bytes: a write ends with an error, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", ["record.jsonl", "record.csv"])
@pytest.mark.parametrize("room", [0, 10_000])
async def test_a_disk_that_is_full_leaves_no_file_at_all(
    node_store: Store, tenant: Tenant, writer: Recorder, tmp_path: Path, room: int, name: str
) -> None:
    await grown(writer, tenant, 500)
    folder = tmp_path / "usb"
    folder.mkdir()

    with room_for(room), pytest.raises(OSError, match="too large") as full:
        await export(node_store, tenant.id, folder / name, form="csv" if name.endswith("csv") else "jsonl")

    assert full.value.filename == str(folder / name)
    assert list(folder.iterdir()) == []


async def test_a_link_in_the_way_of_the_draft_is_not_followed(
    node_store: Store, tenant: Tenant, writer: Recorder, tmp_path: Path
) -> None:
    await grown(writer, tenant, 500)
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / ".record.jsonl.part").symlink_to(victim)

    await export(node_store, tenant.id, tmp_path / "record.jsonl")

    assert victim.read_text() == "mine"
    assert not (tmp_path / "record.jsonl").is_symlink()
