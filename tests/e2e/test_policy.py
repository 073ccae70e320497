"""The pack of the plant in the console: going back shows what that would change, and asks where it widens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import TENANT, Watch
from tests.e2e.test_settings import confirm
from tests.node import RunningNode
from tests.packs.variants import no_drafts

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Console = Callable[..., Awaitable[Page]]
POLICY = "/v1/admin/policy"
COMPARED_S = 180
"""Every role, class and tag is decided twice."""


async def test_going_back_to_a_wider_pack_is_looked_at_agreed_to_and_confirmed(
    console: Console, running_node: RunningNode, watch: Watch
) -> None:
    watch.expected.append("403")
    with running_node.owner(TENANT) as door:
        staged = (
            door.post(f"{POLICY}/packs", json={"files": dict(no_drafts())}, timeout=COMPARED_S)
            .raise_for_status()
            .json()
        )
        door.post(f"{POLICY}/activate", json={"version": staged["version"]}, timeout=COMPARED_S).raise_for_status()
    page = await console()
    page.set_default_timeout(COMPARED_S * 1000)
    await page.get_by_role("link", name="Policy").click()

    await page.get_by_role("button", name="Back to the one before").click()
    await expect(page.get_by_role("heading", name="Going back to")).to_be_visible(timeout=COMPARED_S * 1000)
    go = page.get_by_role("button", name="Go back to it")
    await expect(go).to_be_disabled()
    await expect(page.get_by_text("This allows what is refused now")).to_be_visible()
    await page.get_by_label("I have looked at it").check()
    await go.click()
    await confirm(page, running_node)

    await expect(page.get_by_role("button", name="Back to the one before")).to_have_count(0, timeout=COMPARED_S * 1000)
    with running_node.owner(TENANT) as door:
        now = door.get(f"{POLICY}/packs").json()
    assert now["before"] is None
    assert next(one for one in now["items"] if one["in_force"])["of_the_release"]
