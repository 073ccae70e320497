"""Jobs and schedules in the console: watched while they run, stopped, and done again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import TENANT
from tests.node import RunningNode

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Console = Callable[..., Awaitable[Page]]


async def test_a_schedule_is_run_a_job_is_watched_stopped_and_done_again(
    console: Console, running_node: RunningNode
) -> None:
    page = await console()
    await page.set_viewport_size({"width": 1024, "height": 768})
    with running_node.owner(TENANT) as door:
        body = {"type": "long-running", "payload": {"steps": 400, "seconds": 0.3}, "priority": 8}
        door.post("/v1/admin/jobs", json=body).raise_for_status()
        dead = {"type": "demo", "payload": {"steps": 1, "seconds": 0, "fails": True}, "priority": 9}
        door.post("/v1/admin/jobs", json=dead).raise_for_status()
        running_node.wait_for(
            lambda: any(
                one["kind"] == "long-running" and one["state"] == "running"
                for one in door.get("/v1/admin/jobs", params={"page_size": 100}).json()["items"]
            ),
            "the long job",
            seconds=60,
        )
    await page.get_by_role("link", name="Jobs").click()
    long = page.get_by_role("article").filter(has_text="long-running").first
    await expect(long.get_by_role("progressbar")).to_be_visible()
    before = await long.get_by_role("progressbar").get_attribute("value")
    await expect(long.get_by_role("progressbar")).not_to_have_attribute("value", str(before))
    await long.get_by_role("button", name="Cancel").click()
    await expect(long).to_contain_text("Cancelled")

    failed = page.get_by_role("article").filter(has_text="demo").first
    await expect(failed).to_contain_text("It counted to the end, and then failed.")
    await page.get_by_label("Show").select_option("Failed")
    await expect(page.get_by_role("article").filter(has_text="long-running")).to_have_count(0)
    await failed.get_by_role("button", name="Do it again").click()
    await expect(page.get_by_role("article").filter(has_text="demo")).to_have_count(2)

    await page.get_by_role("button", name="Run now: backup").click()
    made = page.get_by_role("article").filter(has_text="backup").first
    await expect(made).to_contain_text("Done", timeout=150_000)
    heights = await page.evaluate(
        "[...document.querySelectorAll('main button, main select')].map((one) => one.offsetHeight)"
    )
    assert min(heights) >= 48  # gloves


async def test_whoever_is_no_admin_has_no_page_of_jobs(console: Console) -> None:
    page = await console("operator")

    await expect(page.get_by_role("link", name="Documents")).to_be_visible()
    await expect(page.get_by_role("link", name="Jobs")).to_have_count(0)
