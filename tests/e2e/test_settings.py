"""The settings page: keys of programs, limits, and how people sign in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import TENANT, Watch
from tests.identity.federation import saml_idp
from tests.node import RunningNode

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Console = Callable[..., Awaitable[Page]]


def password_of(node: RunningNode, role: str) -> str:
    return next(one["password"] for one in node.credentials() if one["tenant"] == TENANT and one["role"] == role)


async def confirm(page: Page, node: RunningNode) -> None:
    """Answer the question whether it is still the admin."""
    await page.get_by_label("Your password").fill(password_of(node, "admin"))
    await page.get_by_role("button", name="Confirm").click()


def documents_read_with(node: RunningNode, key: str) -> int:
    return httpx.get(f"{node.url}/v1/documents", headers={"authorization": f"Bearer {key}"}, timeout=60).status_code


async def test_an_admin_makes_a_key_that_works_and_revokes_it(
    console: Console, running_node: RunningNode, watch: Watch
) -> None:
    watch.expected.append("403")
    page = await console()
    await page.get_by_role("link", name="Settings").click()
    await page.get_by_role("button", name="New key").click()
    await page.get_by_label("Name of the program").fill("Shift book")
    await page.get_by_role("button", name="Make key").click()
    await expect(page.get_by_role("alert")).to_contain_text("Tick at least one")
    await page.get_by_label("List documents").check()
    await page.get_by_label("Something else").fill("feedback.give")
    await page.get_by_role("button", name="Make key").click()
    await confirm(page, running_node)
    shown = page.get_by_role("dialog", name="The new key")
    await expect(shown).to_contain_text("only this once")
    key = await shown.locator("code").inner_text()
    await shown.get_by_role("button", name="Close").last.click()

    row = page.get_by_role("row", name="Shift book")
    await expect(row).to_contain_text("List documents, feedback.give")
    assert documents_read_with(running_node, key) == 200

    await row.get_by_role("button", name="Revoke").click()
    await page.get_by_role("button", name="Revoke key").click()
    await expect(row).to_contain_text("Revoked")
    assert documents_read_with(running_node, key) == 401


async def test_an_admin_sees_what_of_the_limits_is_used_and_counts_afresh(console: Console) -> None:
    page = await console()
    await page.get_by_role("link", name="Settings").click()
    limits = page.get_by_role("region", name="Limits")
    await expect(limits).to_contain_text("for development")
    mine = limits.get_by_role("row").filter(has_text="in a minute").first
    await expect(mine).to_be_visible()

    async with page.expect_response("**/v1/admin/limits/reset") as reset:
        await limits.get_by_role("button", name="Count all afresh").click()

    assert (await (await reset.value).json())["windows"] >= 1


async def test_the_sign_in_panel_says_what_is_set_up_in_words(console: Console, running_node: RunningNode) -> None:
    way: dict[str, Any] = {
        "title": "Plant account",
        "issuer": saml_idp.ENTITY,
        "sso_url": "https://adfs.works.plant/adfs/ls/",
    }
    with saml_idp.running() as idp:
        way |= {"certificates": [idp.pem], "groups": {"PLANT-Operators": "operator"}}
    with running_node.owner(TENANT) as door:
        door.put("/v1/admin/sign-in", json={"saml": way}).raise_for_status()
    try:
        page = await console()
        await page.get_by_role("link", name="Settings").click()
        panel = page.get_by_role("region", name="Sign-in")
        await expect(panel).to_contain_text("Plant account")
        await expect(panel).to_contain_text("PLANT-Operators becomes Operator")
        await expect(panel).to_contain_text("outpost sign-in set")
    finally:
        with running_node.owner(TENANT) as door:
            door.put("/v1/admin/sign-in", json={}).raise_for_status()
