"""The probes of single parts, over both databases, well and not."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from shutil import disk_usage

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from appliance.compose import probes
from appliance.compose.health import HINTS
from appliance.errors import Damaged
from appliance.health import Health, NotWell
from appliance.jobs import enqueue
from appliance.retrieval.engines import Engine, SqliteEngine
from appliance.retrieval.postgres_engine import PostgresEngine
from appliance.store import Admitted, Purpose, Store, Tenant
from tests.cli.shell import outpost

START = dt.datetime(2027, 3, 1, 8, tzinfo=dt.UTC).timestamp()


async def engine_of(store: Store, tenant: Tenant) -> Engine:
    async with store.open_internal(Purpose.VERIFY, tenant.id) as session:
        return SqliteEngine() if session.get_bind().dialect.name == "sqlite" else PostgresEngine()


async def test_database_index_and_queue_of_a_fresh_store_are_well(store: Store, tenant: Tenant) -> None:
    assert await probes.database(store) == "2 tenants"
    assert "2 plants" in await probes.index(store, await engine_of(store, tenant))
    assert await probes.queue(store, lambda: dt.datetime.now(dt.UTC)) == "0 wait, 0 run"


async def test_an_index_that_cannot_be_searched_is_seen(node_store: Store, tenant: Tenant) -> None:
    async with node_store.open_internal(Purpose.VERIFY, tenant.id, write=True) as session:
        await session.execute(text("DROP TABLE passage_terms"))
    found = await Health({"index": partial(probes.index, node_store, SqliteEngine())}, HINTS).check()

    assert found["index"].state == "unavailable"
    assert "schedule run index" in found["index"].hint


async def test_a_queue_that_stands_still_is_seen(
    store: Store, tenant: Tenant, admitted: Callable[..., Admitted]
) -> None:
    async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
        await enqueue(session, kind="ingest", payload={}, owner=admitted().principal)
    now = dt.datetime.now(dt.UTC)

    assert await probes.queue(store, lambda: now + dt.timedelta(minutes=5)) == "1 wait, 0 run"
    with pytest.raises(NotWell, match="1 wait, 0 run; the oldest has waited for 20 minutes"):
        await probes.queue(store, lambda: now + dt.timedelta(minutes=20, seconds=1))


@given(passed=st.floats(0, 10**7), moved=st.floats(-(10**6), 10**6).filter(lambda by: abs(abs(by) - probes.MOVED) > 1))
def test_a_clock_that_was_set_is_seen_and_one_that_ran_is_not(passed: float, moved: float) -> None:
    now, steady = [START], [5.0]
    look = probes.Clock(lambda: now[0], lambda: steady[0]).probe()
    now[0] += passed + moved
    steady[0] += passed
    if now[0] < probes.NOT_BEFORE.timestamp():
        return
    if abs(moved) > probes.MOVED:
        with pytest.raises(NotWell, match="back" if moved < 0 else "forward"):
            look()
    else:
        assert "steady" in look()


@pytest.mark.parametrize("shown", [0.0, 1_700_000_000.0])
def test_a_clock_that_shows_a_day_before_this_release_is_wrong(shown: float) -> None:
    with pytest.raises(Damaged, match="before this release"):
        probes.Clock(lambda: shown, lambda: 5.0).probe()()


async def test_a_disk_has_room_or_says_how_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = disk_usage(tmp_path)
    for free, well in ((usage.total // 2, True), (usage.total // 11, False)):
        monkeypatch.setattr("shutil.disk_usage", lambda _, free=free: usage._replace(free=free))
        if well:
            assert "GiB free" in await probes.disk(tmp_path)
        else:
            with pytest.raises(NotWell, match="GiB free"):
                await probes.disk(tmp_path)


def test_every_command_that_a_hint_names_is_there() -> None:
    named = {one for hint in HINTS.values() for one in re.findall(r"`outpost ([a-z ]+)`", hint)}
    assert len(named) > 5
    for words in sorted(named):
        assert outpost(*words.split(), "--help").code == 0, words
