"""One promise, held by the counters in memory and by those in PostgreSQL."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from appliance.errors import Unavailable
from appliance.limits.degrading import PAUSE, Degrading
from appliance.limits.in_database import InDatabase
from appliance.limits.in_process import InProcess
from appliance.limits.keeping import Keeping
from appliance.limits.ports import Counters
from appliance.limits.rules import Counts, Key, Verdict, Window
from appliance.store import Store, Tenant
from tests.node import ROOT

PERSON, OTHER = "01", "02"


class Seconds:
    """Time that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def counters(backend: str, store: Store, seconds: Seconds) -> Counters:
    if backend == "postgres":
        return InDatabase(store, clock=seconds)
    return InProcess(clock=seconds, monotonic=seconds)


def person(tenant: Tenant, most: int, subject: str = PERSON) -> Window:
    return Window(Key(str(tenant.id), subject, "person", 60), most)


def whole(tenant: Tenant, most: int) -> Window:
    return Window(Key(str(tenant.id), "", "tenant", 60), most)


async def passed(counters: Counters, windows: Sequence[Window], times: int) -> int:
    verdicts = [await counters.take(windows) for _ in range(times)]
    return sum(verdict.refused is None for verdict in verdicts)


async def test_a_full_window_refuses_until_it_has_slid_on(counters: Counters, tenant: Tenant, seconds: Seconds) -> None:
    window = [person(tenant, 3)]

    assert await passed(counters, window, 5) == 3
    verdict = await counters.take(window)
    assert verdict.refused == window[0]
    seconds.now += verdict.wait
    assert await passed(counters, window, 5) == 3


async def test_what_one_window_refuses_no_other_counts(counters: Counters, tenant: Tenant) -> None:
    assert await passed(counters, [person(tenant, 1), whole(tenant, 9)], 4) == 1

    found = await counters.of_tenant(str(tenant.id))
    assert {key.what: sum(counts.values()) for key, counts in found.items()} == {"person": 1, "tenant": 1}


async def test_one_tenant_takes_nothing_from_another(counters: Counters, tenant: Tenant, other_tenant: Tenant) -> None:
    assert await passed(counters, [whole(tenant, 2)], 5) == 2
    assert await passed(counters, [whole(other_tenant, 2)], 5) == 2
    assert {key.tenant for key in await counters.of_tenant(str(tenant.id))} == {str(tenant.id)}


async def test_many_at_once_never_take_more_than_there_is(counters: Counters, tenant: Tenant) -> None:
    verdicts = await asyncio.gather(*(counters.take([person(tenant, 7), whole(tenant, 99)]) for _ in range(20)))

    assert sum(verdict.refused is None for verdict in verdicts) == 7
    assert sum((await counters.of_tenant(str(tenant.id)))[whole(tenant, 99).key].values()) == 7


async def test_what_is_left_is_told_with_each_request(counters: Counters, tenant: Tenant) -> None:
    first, second = [await counters.take([person(tenant, 5)]) for _ in range(2)]

    assert [verdict.standings[0].left for verdict in (first, second)] == [4, 3]


async def test_a_reset_frees_one_subject_or_all(counters: Counters, tenant: Tenant) -> None:
    mine, theirs = [person(tenant, 1)], [person(tenant, 1, OTHER)]
    assert await passed(counters, mine, 2) == await passed(counters, theirs, 2) == 1

    assert await counters.reset(str(tenant.id), PERSON) == 1
    assert (await passed(counters, mine, 2), await passed(counters, theirs, 2)) == (1, 0)
    assert await counters.reset(str(tenant.id), None) == 2
    assert await counters.reset(str(tenant.id), None) == 0
    assert await passed(counters, theirs, 2) == 1


TAKER = """
import asyncio, sys
from pathlib import Path
from appliance.limits.in_database import InDatabase
from appliance.limits.rules import Key, Window
from appliance.store import open_store

async def main(data, url, tenant):
    store = await open_store(Path(data), url)
    counters, windows = InDatabase(store), [Window(Key(tenant, "p", "person", 3600), 25)]
    done = [await asyncio.gather(*(counters.take(windows) for _ in range(4))) for _ in range(10)]
    print(sum(one.refused is None for some in done for one in some))
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("backend", ["postgres"])
async def test_two_processes_at_once_count_as_one(
    store: Store, database_url: str, tenant: Tenant, tmp_path: Path, backend: str
) -> None:
    words = [sys.executable, "-c", TAKER, str(store.data), database_url, str(tenant.id)]
    children = [subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]  # noqa: ASYNC220
    counted = [int((await asyncio.to_thread(child.communicate, timeout=60))[0]) for child in children]

    assert sum(counted) == 25
    kept = await InDatabase(store).of_tenant(str(tenant.id))
    assert sum(kept[Key(str(tenant.id), "p", "person", 3600)].values()) == 25


async def test_a_restart_goes_on_where_the_node_was(node_store: Store, tenant: Tenant, seconds: Seconds) -> None:
    window = [person(tenant, 5)]
    before = InProcess(clock=seconds, monotonic=seconds)
    keeping = Keeping(node_store, before)
    await keeping.start()
    assert await passed(before, window, 3) == 3
    await keeping.close()

    seconds.now += 10
    after = InProcess(clock=seconds, monotonic=seconds)
    again = Keeping(node_store, after)
    await again.start()
    assert await passed(after, window, 5) == 2
    await again.close()


async def test_a_restart_with_the_clock_set_back_forgets_nothing_and_locks_nobody_out(
    node_store: Store, tenant: Tenant, seconds: Seconds
) -> None:
    window = [person(tenant, 1)]
    before = InProcess(clock=seconds, monotonic=seconds)
    keeping = Keeping(node_store, before)
    await keeping.start()
    await before.take(window)
    await keeping.close()

    seconds.now -= 86_400
    after = InProcess(clock=seconds, monotonic=seconds)
    again = Keeping(node_store, after)
    await again.start()
    wait = (await after.take(window)).wait
    assert 0 < wait <= 61
    seconds.now += wait
    assert (await after.take(window)).refused is None
    await again.close()


class Breakable(InProcess):
    """Shared counters that can be gone, or hang."""

    gone = False
    asked = 0

    async def take(self, windows: Sequence[Window]) -> Verdict:
        self.asked += 1
        if self.gone:
            raise Unavailable("The database does not answer.")
        return await super().take(windows)

    async def of_tenant(self, tenant: str) -> dict[Key, Counts]:
        return await super().of_tenant(tenant)


async def test_counters_that_are_gone_are_replaced_by_the_processes_own_until_they_are_back(
    tenant: Tenant, seconds: Seconds
) -> None:
    shared = Breakable(clock=seconds, monotonic=seconds)
    both = Degrading(shared, InProcess(clock=seconds, monotonic=seconds), monotonic=seconds)
    window = [person(tenant, 2)]
    assert await passed(both, window, 1) == 1
    assert not both.degraded

    shared.gone, shared.asked = True, 0
    assert await passed(both, window, 5) == 2
    assert both.degraded
    assert shared.asked == 1

    shared.gone = False
    seconds.now += PAUSE
    assert await passed(both, window, 5) == 1
    assert not both.degraded


async def test_a_database_that_has_no_table_does_not_stop_anybody(store: Store, tenant: Tenant, backend: str) -> None:
    if backend != "postgres":
        return
    await store.close()
    both = Degrading(InDatabase(store), InProcess())

    assert await passed(both, [person(tenant, 2)], 4) == 2
