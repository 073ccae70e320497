"""Health in the console: every part with what was seen and what to do, and the last hour and day as charts."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, Route, expect

from appliance.vitals.ring import BUCKETS, Ring
from appliance.vitals.rules import Sample
from tests.e2e.conftest import TENANT
from tests.node import RunningNode

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Console = Callable[..., Awaitable[Page]]
PARTS = ("Database", "Record", "Index", "Small models", "Vault", "Queue", "Disk", "Clock", "Worker")
CHARTS = (
    "Requests", "Time to answer", "Questions", "Found by the guard", "Jobs that wait", "Free disk", "Memory",
)  # fmt: skip


def live(node: RunningNode, minutes: int) -> None:
    """A busy day before now, as the node would have kept it, with pauses in it."""
    ring, now = Ring(node.data / "vitals"), int(time.time() // 60)
    for back in range(minutes, 1, -1):
        if 300 < back < 420 or 20 < back < 24:
            continue
        busy = 10 + round(8 * math.sin(back / 90))
        times = [0, 2, busy, busy * 2, busy, 3, 2, 1, 1, 0, 0, 0, 0]
        assert len(times) == BUCKETS
        counts = (back % 17 == 0, busy // 5, back % 11 == 0, back % 7)
        ring.add(Sample(now - back, tuple(times), *counts, 180 * 10**9 - back * 10**7, 900 * 10**6 + back * 10**5))


async def test_an_admin_sees_how_the_box_is_and_how_it_did(console: Console, running_node: RunningNode) -> None:
    live(running_node, 1400)
    page = await console()
    await page.get_by_role("link", name="Health", exact=True).click()

    for name in PARTS:
        row = page.get_by_role("row", name=name)
        await expect(row).to_contain_text("Well")
        await expect(row).to_contain_text(" ms")
    for name in CHARTS:
        await expect(page.get_by_role("img", name=f"{name}, last hour")).to_be_visible()

    await page.get_by_label("Period").select_option("Last day")
    chart = page.get_by_role("img", name="Time to answer, last day")
    await expect(chart.locator("path")).to_have_count(2)
    for line in await chart.locator("path").all():
        drawn = await line.get_attribute("d")
        assert drawn is not None
        assert drawn.count("M") >= 2, "the line has a hole while the node was off"
    await chart.hover(position={"x": 250, "y": 90})
    await expect(page.get_by_role("region", name="Time to answer")).to_contain_text("95 of 100 are faster than")


async def test_a_question_is_in_the_charts_at_once(console: Console, running_node: RunningNode) -> None:
    page = await console()
    with running_node.owner(TENANT) as door:
        before = door.get("/v1/health/trends").raise_for_status().json()["points"]
        door.post("/v1/chat", json={"message": "What does alarm E-0417 mean?"}).raise_for_status()
        after = door.get("/v1/health/trends").raise_for_status().json()["points"]
    assert sum(one["questions"] or 0 for one in after) > sum(one["questions"] or 0 for one in before[1:])
    assert after[-1]["memory"] > 10**7
    assert after[-1]["free"] > 0

    await page.get_by_role("link", name="Health", exact=True).click()
    await expect(page.get_by_role("img", name="Questions, last hour").locator("rect.c0").first).to_be_visible()


async def test_a_part_that_is_not_well_says_what_to_do(console: Console) -> None:
    async def silent(route: Route) -> None:
        found = await (await route.fetch()).json()
        sick = {"state": "degraded", "detail": "no worker is running", "hint": "Start the node again."}
        found["components"] = [one | (sick if one["name"] == "worker" else {}) for one in found["components"]]
        await route.fulfill(json=found | {"status": "degraded"})

    page = await console()
    await page.route("**/v1/health/components", silent)
    await page.get_by_role("link", name="Health", exact=True).click()

    row = page.get_by_role("row", name="Worker")
    await expect(row).to_contain_text("Not as it should be")
    await expect(row).to_contain_text("Start the node again.")
    await expect(page.get_by_text("A part is not well; questions are answered")).to_be_visible()
    await page.unroute("**/v1/health/components")


async def test_an_operator_sees_no_health(console: Console) -> None:
    page = await console("operator")
    await expect(page.get_by_role("link", name="Health", exact=True)).to_have_count(0)
    assert (await page.request.get("/v1/health/trends")).status in {401, 403}
