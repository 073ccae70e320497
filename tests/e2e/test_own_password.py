"""Choosing one's own password in the browser: before anything else at the first sign-in, and later under one's name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.conftest import TENANT, Watch
from tests.e2e.test_account import give_password, person
from tests.node import RunningNode

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Visit = Callable[..., Awaitable[Page]]
OWN = "seven red boats"


async def test_a_first_sign_in_asks_for_a_password_of_ones_own_and_then_opens_everything(
    browser: Browser, tmp_path: Path
) -> None:
    """On a node of its own: the demo plant does not ask."""
    with RunningNode(tmp_path / "node", demo=False) as node:
        made = next(one for one in node.credentials() if one["role"] == "viewer")
        context = await browser.new_context(base_url=node.url, viewport={"width": 1024, "height": 768})
        page = await context.new_page()
        await page.goto("/console")
        await give_password(page, "viewer", made["password"], tenant=made["tenant"])
        await expect(page.get_by_role("heading", name="Choose your own password")).to_be_visible()
        await expect(page.get_by_role("navigation")).to_have_count(0)
        field = page.get_by_label("New password")
        await expect(field).to_be_focused()
        await field.fill(made["password"])
        await page.get_by_role("button", name="Use this password").click()
        await expect(page.get_by_role("alert")).to_contain_text("not the one you were given")
        await field.fill(OWN)
        await page.keyboard.press("Enter")

        await expect(page.get_by_text(f"Viewer · {made['tenant']}")).to_be_visible()
        await page.reload()
        await expect(page.get_by_text(f"Viewer · {made['tenant']}")).to_be_visible()
        await page.get_by_role("button", name="Sign out").click()
        await give_password(page, "viewer", OWN, tenant=made["tenant"])
        await expect(page.get_by_text(f"Viewer · {made['tenant']}")).to_be_visible()
        await context.close()


async def test_a_person_changes_their_password_under_their_name(
    visit: Visit, running_node: RunningNode, watch: Watch
) -> None:
    watch.expected += ["401", "403"]
    password = person(running_node, "olaf")
    page = await visit("/console")
    await give_password(page, "olaf", password)
    await page.get_by_role("link", name="Nora").click()
    await page.get_by_label("New password").fill(OWN)
    await page.get_by_role("button", name="Change password").click()
    await page.get_by_label("Your password").fill(password)
    await page.get_by_role("button", name="Confirm").click()
    await expect(page.get_by_text("Your password is changed.")).to_be_visible()

    await page.get_by_role("button", name="Sign out").click()
    await give_password(page, "olaf", password)
    await expect(page.get_by_role("alert")).to_contain_text("wrong")
    await give_password(page, "olaf", OWN)
    await expect(page.get_by_text(f"Viewer · {TENANT}")).to_be_visible()
