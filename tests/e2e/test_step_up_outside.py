"""Somebody who signs in with the company's account confirms with it too, in a window of its own."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.identity.federation.idp import running
from tests.node import RunningNode

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def at_the_company(page: Page, sub: str) -> None:
    await page.locator("input[name=sub]").first.fill(sub)
    await page.locator("form:has(input[name=sub]) button").first.click()


async def test_an_admin_from_outside_confirms_with_the_companys_sign_in(browser: Browser, tmp_path: Path) -> None:
    with (
        running() as idp,
        RunningNode(tmp_path / "node", demo=False, environment={"OUTPOST_IDENTITY_HOSTS": idp.host}) as node,
    ):
        client_id, secret = idp.register(f"{node.url}/v1/auth/oidc/plant/callback")
        settings = {
            "title": "Works login", "issuer": idp.url, "client_id": client_id, "client_secret": secret,
            "own_client": True, "groups": {"plant-admins": "admin"}, "allow_new": True,
        }  # fmt: skip
        with node.owner() as door:
            door.put("/v1/admin/sign-in", json={"oidc": settings}).raise_for_status()
        idp.knows("bea", preferred_username="bea", groups=["plant-admins"], auth_time=int(time.time()) + 5)
        context = await browser.new_context(base_url=node.url, viewport={"width": 1024, "height": 768})
        page = await context.new_page()
        await page.goto("/console")
        await page.get_by_label("Plant").fill("plant")
        await page.get_by_role("link", name="Sign in with Works login").click()
        await at_the_company(page, "bea")
        await page.get_by_role("link", name="bea").click()
        await expect(page.get_by_label("New password")).to_have_count(0)
        await page.get_by_role("button", name="Set up an app").click()
        async with context.expect_page() as opened:
            await page.get_by_role("button", name="Confirm with Works login").click()
        await at_the_company(await opened.value, "bea")

        await expect(page.get_by_label("Then type the code that it shows")).to_be_visible()
        await context.close()
