"""Killed before any change of the disk, or with the power gone there: nothing acknowledged is lost and nothing is half.

Here some steps are looked at in each of three ways; `make faults` looks at all.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from appliance.jobs import rules
from appliance.store import Store, Tenant, open_store
from tests.conftest import Template
from tests.faults import claiming, recording
from tests.faults.counted import DEEP, Count
from tests.faults.crashes import KINDS, Crash, Kind, crashes_of
from tests.faults.tracing import CALLS
from tests.node import ROOT

SEED = 7
SPARSE = 1 if DEEP else 13
watched = pytest.mark.skipif(not CALLS, reason="the calls of this kind of processor are not known here")


@pytest.fixture(scope="module")
def recorded(node_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Sequence[Crash]:
    folder = tmp_path_factory.mktemp("recorded")
    shutil.copytree(node_template.data, folder / "data")
    return crashes_of("tests.faults.recording", folder / "data", folder / "book")


@pytest.fixture(scope="module")
def claimed(node_template: Template, tmp_path_factory: pytest.TempPathFactory) -> tuple[object, Sequence[Crash]]:
    """The job, and every crash of the one who did it."""
    folder = tmp_path_factory.mktemp("claimed")
    shutil.copytree(node_template.data, folder / "data")

    async def put() -> object:
        store = await open_store(folder / "data")
        job_id = await claiming.put(store, node_template.tenants[0])
        await store.close()
        return job_id

    job_id = asyncio.run(put())
    return job_id, crashes_of("tests.faults.claiming", folder / "data", folder / "book")


def some(crashes: Sequence[Crash], phase: str) -> Iterator[tuple[Crash, Kind, str]]:
    """Steps of a phase, each in one way or, where all are wanted, in all."""
    of_it = [one for one in crashes if one.phase() == phase]
    assert of_it, f"nothing was changed while it was at {phase}"
    for first, kind in enumerate(KINDS):
        for crash in of_it[(first * 4) % min(SPARSE, len(of_it)) :: SPARSE]:
            yield crash, kind, f"{crash.number} {crash.call} {kind}"


@watched
@pytest.mark.parametrize("phase", ["append", "relay", "checkpoint"])
async def test_of_a_record_nothing_acknowledged_is_lost_at_any_step(
    recorded: Sequence[Crash], phase: str, tmp_path: Path, counted: Count
) -> None:
    for crash, kind, where in some(recorded, phase):
        data = tmp_path / where.replace(" ", "-")
        crash.put(kind, SEED, data)
        counted.tries += 1
        counted.acknowledged += len(crash.of("record") + crash.of("owed") + crash.of("committed"))
        counted.note(await recording.judge(crash, data), where=where)
        shutil.rmtree(data)

    assert (counted.lost, counted.wrong) == ([], [])


@watched
async def test_a_record_that_is_acknowledged_too_early_would_be_found(node_template: Template, tmp_path: Path) -> None:
    shutil.copytree(node_template.data, tmp_path / "data")
    crashes = await asyncio.to_thread(
        crashes_of, "tests.faults.recording", tmp_path / "data", tmp_path / "book", "careless"
    )
    last = [one for one in crashes if one.phase() == "relay"][-1]

    last.put("lost", SEED, tmp_path / "careless")

    assert any("acknowledged and lost" in one for one in await recording.judge(last, tmp_path / "careless"))


@watched
@pytest.mark.parametrize("phase", ["claim", "work", "finish"])
async def test_of_the_jobs_of_a_node_none_is_lost_or_done_twice_at_any_step(
    claimed: tuple[object, Sequence[Crash]], node_template: Template, phase: str, tmp_path: Path, counted: Count
) -> None:
    job_id, crashes = claimed
    for crash, kind, where in some(crashes, phase):
        data, book = tmp_path / where.replace(" ", "-"), tmp_path / "book"
        crash.put(kind, SEED, data)
        book.write_text("".join(f"{line}\n" for line in crash.told))
        store = await open_store(data)
        counted.tries += 1
        counted.acknowledged += 1
        counted.note(await claiming.judge(store, node_template.tenants[0], job_id, book, by_lease=False), where=where)
        await store.close()
        shutil.rmtree(data)

    assert (counted.lost, counted.wrong) == ([], [])


@pytest.mark.parametrize("backend", ["postgres"])
async def test_of_the_jobs_of_a_hub_none_is_lost_or_done_twice_at_any_statement(
    store: Store,
    tenant: Tenant,
    database_url: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    counted: Count,
) -> None:
    assert database_url is not None
    monkeypatch.setattr(rules, "LEASE", claiming.SHORT)
    for count in itertools.count(1):
        job_id, book = await claiming.put(store, tenant), tmp_path / f"{count}.book"
        book.touch()
        command = ["-m", "tests.faults.claiming", str(store.data), str(book), database_url, str(count)]
        process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT)
        status = await asyncio.wait_for(process.wait(), 60)

        counted.acknowledged += 1
        counted.note(await claiming.judge(store, tenant, job_id, book, by_lease=True), where=f"killed at {count}")
        if status == 0:
            break
        assert status == claiming.DIED
        counted.tries += 1
        assert count < 100

    assert (counted.lost, counted.wrong) == ([], [])
    assert counted.tries > 6
