"""One word for the node, and probes that cannot hang it."""

from __future__ import annotations

import asyncio

from appliance.errors import Unavailable
from appliance.health import Component, Health, NotWell, has_started, overall


async def fine() -> str:
    return "yes"


async def broken() -> str:
    raise Unavailable("the disk is gone")


async def sick() -> str:
    raise NotWell("slow")


async def hanging() -> str:
    await asyncio.sleep(60)
    return "never"


async def surprising() -> str:
    raise ZeroDivisionError


async def test_an_essential_part_that_is_down_makes_the_node_unavailable() -> None:
    found = await Health({"database": broken, "models": fine}).check()

    assert overall(found) == "unavailable"
    assert found["database"].detail == "the disk is gone"


async def test_a_node_without_its_models_is_degraded_and_still_serves() -> None:
    found = await Health({"database": fine, "models": surprising, "worker": sick}).check()

    assert overall(found) == "degraded"
    assert found["models"].state == "unavailable"
    assert found["worker"].state == "degraded"


async def test_a_probe_that_hangs_is_cut_off() -> None:
    found = await asyncio.wait_for(Health({"models": hanging}).check(), 5)

    assert found["models"].state == "unavailable"


def test_a_node_whose_parts_all_work_is_healthy() -> None:
    assert overall({"database": Component("database", "ok", "", 1.0)}) == "healthy"


async def test_a_node_has_started_when_its_model_server_and_its_worker_have_too() -> None:
    """A full disk is no reason to start it again."""
    for parts, has in (
        ({"database": fine, "models": fine, "worker": fine, "disk": sick}, True),
        ({"database": fine, "models": broken, "worker": fine}, False),
        ({"database": fine, "models": fine, "worker": sick}, False),
        ({"database": broken, "models": fine, "worker": fine}, False),
    ):
        assert has_started(await Health(parts).check()) is has


async def test_a_part_that_is_not_well_says_what_to_do_and_one_that_is_says_nothing() -> None:
    health = Health({"database": fine, "models": broken, "worker": sick, "disk": surprising}, {"models": "Start it."})
    found = await health.check()

    assert found["database"].hint == ""
    assert found["models"].hint == "Start it."
    assert found["worker"].hint
    assert found["disk"].hint
    assert all(one.ms >= 0 for one in found.values())


async def test_many_who_ask_at_once_make_one_look_and_a_glance_is_at_what_was_seen() -> None:
    looks = 0

    async def counted() -> str:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0)
        return str(looks)

    health = Health({"database": counted}, keep=60)
    await asyncio.gather(*(health.glance() for _ in range(20)), *(health.check() for _ in range(20)))
    assert (await health.glance())["database"].detail == "1"
    assert [(await health.check())["database"].detail for _ in range(2)] == ["2", "3"]
    assert (await health.glance())["database"].detail == "3"


async def test_who_leaves_takes_the_look_of_nobody_else_away() -> None:
    waiting = asyncio.Event()

    async def slow() -> str:
        await waiting.wait()
        return "yes"

    health = Health({"models": slow})
    leaves, stays = (asyncio.create_task(health.check()) for _ in range(2))
    await asyncio.sleep(0)
    leaves.cancel()
    waiting.set()

    assert (await stays)["models"].state == "ok"
