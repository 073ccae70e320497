"""Badges and PINs in the browser: an admin gives and takes them, people choose their PIN."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest
from playwright.async_api import Page, expect

from appliance.identity.values import utc_now
from tests.e2e.conftest import TENANT, Watch
from tests.identity.site import App
from tests.node import RunningNode

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Opened = Callable[..., Awaitable[Page]]
BADGE = "04A1-B2C3-D4E5"


def somebody(node: RunningNode, username: str) -> str:
    """The password of somebody new."""
    with node.owner(TENANT) as door:
        new = {"username": username, "display_name": username.title(), "role": "operator"}
        return str(door.post("/v1/admin/users", json=new).raise_for_status().json()["password"])


async def confirm(page: Page, password: str) -> None:
    await page.get_by_label("Your password").fill(password)
    await page.get_by_role("button", name="Confirm").click()


async def enter(page: Page, username: str, password: str) -> None:
    await page.get_by_label("Plant").fill(TENANT)
    await page.get_by_label("User name").fill(username)
    await page.get_by_label("Password", exact=True).fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def test_an_admin_gives_a_badge_and_takes_it_away(
    console: Opened, running_node: RunningNode, watch: Watch
) -> None:
    watch.expected += ["403", "404"]
    somebody(running_node, "mara")
    admin = next(one for one in running_node.credentials() if one["tenant"] == TENANT and one["role"] == "admin")
    page = await console()
    await page.get_by_role("link", name="People").click()
    await page.get_by_role("button", name="Sign-in mara").click()
    dialog = page.get_by_role("dialog", name="Sign-in of Mara")
    await dialog.get_by_label("Badge").fill(BADGE)
    # A reader ends with Enter: the PIN comes next, nothing is sent yet.
    await page.keyboard.press("Enter")
    await page.keyboard.type("481903")
    await dialog.get_by_role("button", name="Give this badge").click()
    await confirm(page, admin["password"])
    await expect(dialog.get_by_role("status")).to_contain_text("Mara has this badge now")

    await dialog.get_by_role("button", name="Take the badge away").click()
    await dialog.get_by_role("button", name="Yes, take it away").click()
    await expect(dialog.get_by_role("status")).to_contain_text("Mara has no badge now")
    await dialog.get_by_role("button", name="Take the badge away").click()
    await dialog.get_by_role("button", name="Yes, take it away").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("has no badge")


async def test_an_admin_resets_the_second_factor_of_somebody_who_lost_the_phone(
    console: Opened, running_node: RunningNode, watch: Watch
) -> None:
    watch.expected.append("403")
    password = somebody(running_node, "pavel")
    admin = next(one for one in running_node.credentials() if one["tenant"] == TENANT and one["role"] == "admin")
    with_app(running_node, "pavel", password)
    assert signing_in(running_node, "pavel", password) == "second-factor-required"
    page = await console()
    await page.get_by_role("link", name="People").click()
    await page.get_by_role("button", name="Sign-in pavel").click()
    await page.get_by_role("button", name="Reset second factor").click()
    await page.get_by_role("button", name="Yes, reset it").click()
    await confirm(page, admin["password"])
    await expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text("no second factor now")

    assert signing_in(running_node, "pavel", password) == "in"


async def test_a_person_chooses_the_pin_of_their_badge(visit: Opened, running_node: RunningNode, watch: Watch) -> None:
    watch.expected += ["403", "400", "422"]
    password = somebody(running_node, "lena")
    with running_node.owner(TENANT) as door:
        found = next(one for one in door.get("/v1/admin/users").json()["items"] if one["username"] == "lena")
        door.put(f"/v1/admin/users/{found['id']}/badge", json={"badge": "LENA-0001"}).raise_for_status()
    page = await visit("/console")
    await enter(page, "lena", password)
    await page.get_by_role("link", name="Lena").click()
    await page.get_by_label("New PIN").fill("123456")
    await page.get_by_role("button", name="Keep this PIN").click()
    await confirm(page, password)
    await expect(page.get_by_role("alert")).to_contain_text("too easily guessed")

    await page.get_by_label("New PIN").fill("739152")
    await page.get_by_role("button", name="Keep this PIN").click()
    await confirm(page, password)
    await expect(page.get_by_role("status")).to_contain_text("Your PIN is changed")


def with_app(node: RunningNode, username: str, password: str) -> None:
    """Set up an authenticator app in somebody's name, over HTTP."""
    sign_in = {"tenant": TENANT, "username": username, "password": password}
    token = httpx.post(f"{node.url}/v1/auth/login", json=sign_in, timeout=60).raise_for_status().json()["access_token"]
    with httpx.Client(base_url=node.url, headers={"authorization": f"Bearer {token}"}, timeout=60) as client:
        refused = client.post("/v1/auth/factors/totp").json()
        asked = {"action": refused["action"], "resource": refused["resource"], "password": password}
        proof = client.post("/v1/auth/step-up", json=asked).raise_for_status().json()["step_up"]
        offer = client.post("/v1/auth/factors/totp", headers={"x-step-up": proof}).raise_for_status().json()
        code = {"code": App(offer["secret"], utc_now).code()}
        client.post(f"/v1/auth/factors/{offer['id']}/confirm", json=code).raise_for_status()


def signing_in(node: RunningNode, username: str, password: str) -> str:
    """What name and password lead to: in, or the code of a refusal."""
    sign_in = {"tenant": TENANT, "username": username, "password": password}
    answer = httpx.post(f"{node.url}/v1/auth/login", json=sign_in, timeout=60)
    return "in" if answer.is_success else str(answer.json()["code"])
