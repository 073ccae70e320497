"""What people may do, given in the console; and what an auditor finds there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import Watch
from tests.e2e.test_account import give_password, person
from tests.e2e.test_settings import confirm
from tests.node import RunningNode

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Console = Callable[..., Awaitable[Page]]


async def test_an_admin_makes_somebody_an_auditor_who_then_finds_the_record_and_nothing_else(
    console: Console, visit: Callable[..., Awaitable[Page]], running_node: RunningNode, watch: Watch
) -> None:
    watch.expected.append("403")
    password = person(running_node, "iris")
    last_day = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=30)
    page = await console()
    await page.get_by_role("link", name="People").click()
    await page.get_by_role("button", name="Rights iris").click()
    rights = page.get_by_role("dialog", name="Rights of Nora")
    await rights.get_by_label("Auditor").check()
    await rights.get_by_label("Last day").fill(last_day.isoformat())
    await rights.get_by_role("button", name="Save").click()
    await confirm(page, running_node)
    await expect(page.get_by_role("row", name="iris")).to_contain_text("Auditor, until")

    theirs = await visit("/console", viewport={"width": 1024, "height": 768})
    await give_password(theirs, "iris", password)
    await expect(theirs.get_by_role("navigation").get_by_role("link")).to_have_text(["Audit", "Guard"])
    await expect(theirs.get_by_role("heading", name="Audit")).to_be_visible()
    await expect(theirs.get_by_role("row").nth(1)).to_be_visible()
    await theirs.goto("/console/documents")
    await expect(theirs.get_by_role("heading", name="Audit")).to_be_visible()
