"""Schedules are kept once: by one planner or several, over restarts, and with the clock set back."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

import pytest

from appliance.jobs import Waker
from appliance.upkeep import Planner
from appliance.upkeep.schedules import SCHEDULES
from tests.upkeep.conftest import Clock, House

NIGHT = dt.datetime(2026, 11, 29, 2, 31, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
CLEANUP = {"cleanup": SCHEDULES["cleanup"]}


def planner(house: House, clock: Clock) -> Planner:
    return Planner(house.store, house.gate, Waker(Path("/nobody")), CLEANUP, clock)


async def test_what_is_due_is_put_into_the_queue_once(house: House) -> None:
    clock = Clock(NIGHT)
    one = planner(house, clock)
    for _ in range(3):
        await one.look("cleanup")
    clock.now += dt.timedelta(hours=5)
    await one.look("cleanup")

    assert [(job.kind, job.state) for job in await house.jobs()] == [("cleanup", "queued")]


async def test_several_planners_at_once_make_one_job(house: House) -> None:
    clock = Clock(NIGHT)

    await asyncio.gather(*(planner(house, clock).look("cleanup") for _ in range(4)))

    assert len(await house.jobs()) == 1


async def test_a_clock_that_is_set_back_makes_no_run_twice(house: House) -> None:
    clock = Clock(NIGHT)
    one = planner(house, clock)
    await one.look("cleanup")
    clock.now -= dt.timedelta(hours=1)
    await one.look("cleanup")
    clock.now = NIGHT
    await one.look("cleanup")

    keys = [job.idempotency_key for job in await house.jobs()]
    assert len(keys) == len(set(keys)) <= 2


async def test_a_new_node_does_not_begin_with_what_it_has_missed(house: House) -> None:
    one = planner(house, Clock(NIGHT))
    await one.start()
    one.close()

    assert await house.jobs() == []


async def test_what_fell_due_while_the_node_was_off_is_made_up_for_once(house: House) -> None:
    await planner(house, Clock(NIGHT)).look("cleanup")
    for _ in range(2):
        later = planner(house, Clock(NIGHT + 5 * DAY))
        await later.start()
        later.close()

    assert len(await house.jobs()) == 2


@pytest.mark.parametrize("year", [1970, 2038])
async def test_a_wild_clock_stops_no_planner(house: House, year: int) -> None:
    one = planner(house, Clock(NIGHT.replace(year=year)))
    await one.look("cleanup")

    assert len(await house.jobs()) == 1
