"""A person's second factor in the browser: set up, asked for, replaced by a recovery code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from appliance.identity.values import utc_now
from tests.e2e.conftest import TENANT, Watch
from tests.identity.site import App
from tests.node import RunningNode

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Visit = Callable[..., Awaitable[Page]]


def person(node: RunningNode, username: str) -> str:
    """The password of somebody new."""
    with node.owner(TENANT) as door:
        made = door.post("/v1/admin/users", json={"username": username, "display_name": "Nora", "role": "viewer"})
        return str(made.raise_for_status().json()["password"])


async def give_password(page: Page, username: str, password: str, *, tenant: str = TENANT) -> None:
    await page.get_by_label("Plant").fill(tenant)
    await page.get_by_label("User name").fill(username)
    await page.get_by_label("Password", exact=True).fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def test_a_person_sets_up_an_app_and_then_signs_in_with_a_code(
    visit: Visit, running_node: RunningNode, watch: Watch
) -> None:
    watch.expected += ["401", "403", "400"]
    password = person(running_node, "nora")
    page = await visit("/console", viewport={"width": 1024, "height": 768})
    await give_password(page, "nora", password)
    await page.get_by_role("link", name="Nora").click()
    await page.get_by_role("button", name="Set up an app").click()
    await page.get_by_label("Your password").fill(password)
    await page.get_by_role("button", name="Confirm").click()
    app = App((await page.locator(".key code").inner_text()).replace(" ", ""), utc_now)
    field = page.get_by_label("Then type the code that it shows")
    await field.fill("000")
    await page.get_by_role("button", name="Done").click()
    await expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("does not fit")
    await field.fill(app.code())
    await page.get_by_role("button", name="Done").click()
    await expect(page.get_by_role("listitem")).to_have_count(10)
    recovery = await page.get_by_role("listitem").first.inner_text()
    await page.get_by_role("button", name="Close").click()
    await expect(page.get_by_text("10 unused codes")).to_be_visible()

    await page.get_by_role("button", name="Sign out").click()
    await give_password(page, "nora", password)
    await page.get_by_label("Code of your app").fill("123")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("code is wrong")
    # The code just used up is not taken again; the next one is taken a step early.
    await page.get_by_label("Code of your app").fill(app.code(seconds=30))
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Viewer · alder")).to_be_visible()

    await page.get_by_role("button", name="Sign out").click()
    await give_password(page, "nora", password)
    await page.get_by_role("button", name="Use a recovery code instead").click()
    await page.get_by_label("Recovery code").fill(recovery)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text("Viewer · alder")).to_be_visible()
    await page.get_by_role("link", name="Nora").click()
    await expect(page.get_by_text("9 unused codes")).to_be_visible()


async def test_an_admin_who_needs_a_factor_sets_one_up_and_sees_the_codes(browser: Browser, tmp_path: Path) -> None:
    """On a node of its own, which is told that admins need one."""
    with RunningNode(tmp_path / "node", demo=False, environment={"OUTPOST_ADMIN_SECOND_FACTOR": "required"}) as node:
        admin = node.own("admin", "plant")
        context = await browser.new_context(base_url=node.url, viewport={"width": 1024, "height": 768})
        page = await context.new_page()
        await page.goto("/console")
        await give_password(page, "admin", admin["password"], tenant=admin["tenant"])
        await expect(page.get_by_text("Admins need a second factor here")).to_be_visible()
        await expect(page.get_by_role("link", name="People")).to_have_count(0)
        await page.get_by_role("button", name="Set up an app").click()
        await page.get_by_label("Your password").fill(admin["password"])
        await page.get_by_role("button", name="Confirm").click()
        app = App((await page.locator(".key code").inner_text()).replace(" ", ""), utc_now)
        await page.get_by_label("Then type the code that it shows").fill(app.code())
        await page.get_by_role("button", name="Done").click()

        await expect(page.get_by_role("link", name="People")).to_have_count(1)
        await expect(page.get_by_role("listitem")).to_have_count(10)
        await context.close()


async def test_who_would_not_confirm_changes_nothing(visit: Visit, running_node: RunningNode, watch: Watch) -> None:
    watch.expected.append("403")
    password = person(running_node, "otto")
    page = await visit("/console")
    await give_password(page, "otto", password)
    await page.get_by_role("link", name="Nora").click()
    await page.get_by_role("button", name="Set up an app").click()
    await page.get_by_role("button", name="Cancel").click()

    await expect(page.get_by_role("button", name="Set up an app")).to_be_enabled()
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_a_person_adds_a_security_key_and_touches_it_to_sign_in(
    visit: Visit, running_node: RunningNode, watch: Watch
) -> None:
    """At localhost, which browsers trust as they do a name over TLS; Chromium brings the key."""
    watch.expected += ["401", "403"]
    watch.origin = running_node.url.replace("127.0.0.1", "localhost")
    password = person(running_node, "kim")
    page = await visit("/console", base_url=watch.origin)
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    touched = {"protocol": "ctap2", "transport": "usb", "automaticPresenceSimulation": True}
    await devtools.send("WebAuthn.addVirtualAuthenticator", {"options": touched})
    await give_password(page, "kim", password)
    await page.get_by_role("link", name="Nora").click()
    await page.get_by_role("button", name="Add a security key").click()
    await page.get_by_label("Your password").fill(password)
    await page.get_by_role("button", name="Confirm").click()
    await expect(page.get_by_role("listitem")).to_have_count(10)
    await page.get_by_role("button", name="Close").click()

    await page.get_by_role("button", name="Sign out").click()
    await give_password(page, "kim", password)
    await page.get_by_role("button", name="Use a security key").click()
    await expect(page.get_by_text("Viewer · alder")).to_be_visible()

    await page.get_by_role("link", name="Nora").click()
    await page.get_by_role("button", name="Remove").click()
    await page.get_by_role("button", name="Use a security key").click()
    await expect(page.get_by_role("button", name="Remove")).to_have_count(0)
