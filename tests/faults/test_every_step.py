"""Killed before any change of the disk, or with the power gone there: nothing acknowledged is lost and nothing is half.

Here every eleventh step is looked at in each of three ways, beginning with another one for each; `make faults` looks at all.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from appliance.jobs import rules
from appliance.store import Store, Tenant, open_store
from tests.conftest import Template
from tests.faults import claiming, recording
from tests.faults.crashes import KINDS, Crash, crashes_of
from tests.faults.tracing import CALLS
from tests.node import ROOT

SEED = 7
watched = pytest.mark.skipif(not CALLS, reason="the calls of this kind of processor are not known here")


async def crashed(template: Template, folder: Path, module: str, *arguments: str) -> Sequence[Crash]:
    shutil.copytree(template.data, folder / "data")
    return await asyncio.to_thread(crashes_of, f"tests.faults.{module}", folder / "data", folder / "book", *arguments)


async def found_in(crashes: Sequence[Crash], folder: Path) -> list[str]:
    wrong = []
    for kind, first in zip(KINDS, (0, 4, 8), strict=True):
        for crash in crashes[first::11]:
            data = folder / f"{crash.number}-{kind}"
            crash.put(kind, SEED, data)
            wrong += [f"{crash.number} {crash.call} {kind}: {one}" for one in await recording.judge(crash, data)]
    return wrong


@watched
async def test_of_a_record_nothing_acknowledged_is_lost_at_any_step(node_template: Template, tmp_path: Path) -> None:
    crashes = await crashed(node_template, tmp_path, "recording")

    assert set(Counter(one.phase() for one in crashes)) >= {"append", "relay", "checkpoint"}
    assert len(crashes) > 100
    assert await found_in(crashes, tmp_path) == []


@watched
async def test_a_record_that_is_acknowledged_too_early_would_be_found(node_template: Template, tmp_path: Path) -> None:
    crashes = await crashed(node_template, tmp_path, "recording", "careless")
    relaying = [one for one in crashes if one.phase() == "relay"]

    data = tmp_path / "careless"
    relaying[-1].put("lost", SEED, data)

    assert any("acknowledged and lost" in one for one in await recording.judge(relaying[-1], data))


@watched
async def test_of_the_jobs_of_a_node_none_is_lost_or_done_twice_at_any_step(
    node_store: Store, tenant: Tenant, tmp_path: Path
) -> None:
    job_id = await claiming.put(node_store, tenant)
    await node_store.close()
    crashes = await asyncio.to_thread(crashes_of, "tests.faults.claiming", node_store.data, tmp_path / "book")

    assert set(Counter(one.phase() for one in crashes)) >= {"claim", "work", "finish"}
    for kind, first in zip(KINDS, (0, 4, 8), strict=True):
        for crash in crashes[first::11]:
            data, book = tmp_path / f"{crash.number}-{kind}", tmp_path / f"{crash.number}-{kind}.book"
            crash.put(kind, SEED, data)
            book.write_text("".join(f"{line}\n" for line in crash.told))
            store = await open_store(data)
            wrong = await claiming.judge(store, tenant, job_id, book, by_lease=False)
            await store.close()
            assert wrong == [], f"{crash.number} {crash.call} {kind}"


@pytest.mark.parametrize("backend", ["postgres"])
async def test_of_the_jobs_of_a_hub_none_is_lost_or_done_twice_at_any_statement(
    store: Store, tenant: Tenant, database_url: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert database_url is not None
    monkeypatch.setattr(rules, "LEASE", claiming.SHORT)
    died = 0
    for count in itertools.count(1):
        job_id, book = await claiming.put(store, tenant), tmp_path / f"{count}.book"
        book.touch()
        command = ["-m", "tests.faults.claiming", str(store.data), str(book), database_url, str(count)]
        process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT)
        status = await asyncio.wait_for(process.wait(), 60)

        assert await claiming.judge(store, tenant, job_id, book, by_lease=True) == [], f"killed at {count}"
        if status == 0:
            break
        assert status == claiming.DIED
        died += 1
        assert count < 100
    assert died > 6
