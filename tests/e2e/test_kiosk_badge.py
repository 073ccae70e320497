"""A person shows their badge at the kiosk, is named in the bar, and leaves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import TENANT, Watch
from tests.e2e.test_kiosk import too_small
from tests.node import RunningNode

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Kiosk = Callable[..., Awaitable[Page]]
PIN = "739152"
READ = """(badge) => {
    for (const key of [...badge, "Enter"]) {
        const at = document.activeElement ?? document.body;
        const pressed = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
        if (at.dispatchEvent(pressed) && key !== "Enter") document.execCommand("insertText", false, key);
    }
}"""
"""A badge reader: a keyboard that types faster than anybody. In one script, so that a busy machine does not slow it."""


def badge_of(node: RunningNode, username: str) -> str:
    """The badge of somebody new, who is an operator with a PIN."""
    badge = f"{username}-0001"
    with node.owner(TENANT) as door:
        new = {"username": username, "display_name": username.title(), "role": "operator"}
        person = door.post("/v1/admin/users", json=new).raise_for_status().json()["id"]
        door.put(f"/v1/admin/users/{person}/badge", json={"badge": badge, "pin": PIN}).raise_for_status()
    return badge


async def press_pin(page: Page, pin: str) -> None:
    pad = page.get_by_role("group", name="Number keys")
    for digit in pin:
        await pad.get_by_role("button", name=digit, exact=True).click()
    await pad.get_by_role("button", name="OK").click()


async def test_a_badge_read_over_a_half_typed_question_leaves_the_question_as_it_was(
    kiosk: Kiosk, running_node: RunningNode
) -> None:
    badge = badge_of(running_node, "katya")
    page = await kiosk()
    await page.get_by_label("Your question").fill("What does alarm")
    await page.get_by_label("Your question").press("End")
    await page.evaluate(READ, badge)
    await expect(page.get_by_role("heading", name="Your PIN")).to_be_visible()
    assert await too_small(page) == []
    await press_pin(page, PIN)

    await expect(page.get_by_text("Katya, operator")).to_be_visible()
    await expect(page.get_by_label("Your question")).to_have_value("What does alarm")
    assert await too_small(page) == []
    await page.get_by_label("Your question").fill("What does alarm E-0417 mean?")
    async with page.expect_request("**/v1/chat") as asked:
        await page.keyboard.press("Enter")
    assert "x-kiosk-token" in await (await asked.value).all_headers()
    await expect(page.get_by_role("article")).to_contain_text("Bowl pressure low")

    await page.get_by_role("button", name="Leave").click()
    await expect(page.get_by_text("Katya")).to_have_count(0)
    await expect(page.get_by_label("Your question")).to_have_value("")
    await page.get_by_label("Your question").fill("What does alarm E-0417 mean?")
    async with page.expect_request("**/v1/chat") as asked:
        await page.keyboard.press("Enter")
    assert "x-kiosk-token" not in await (await asked.value).all_headers()


async def test_a_typed_badge_without_its_pin_opens_what_a_viewer_may(kiosk: Kiosk, running_node: RunningNode) -> None:
    badge = badge_of(running_node, "milan")
    page = await kiosk()
    await page.get_by_role("button", name="Badge").click()
    await page.get_by_label("Badge", exact=True).fill(badge)
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Go on without a PIN").click()

    await expect(page.get_by_text("Milan, viewer")).to_be_visible()


async def test_a_wrong_pin_is_tried_once_and_said(kiosk: Kiosk, running_node: RunningNode, watch: Watch) -> None:
    watch.expected.append("401")
    badge = badge_of(running_node, "petra")
    page = await kiosk()
    tries: list[str] = []
    page.on("request", lambda sent: tries.append(sent.url) if sent.url.endswith("/v1/kiosks/person") else None)
    await page.evaluate(READ, badge)
    await press_pin(page, "111222")

    await expect(page.get_by_role("alert")).to_contain_text("did not fit")
    assert len(tries) == 1
    await press_pin(page, PIN)
    await expect(page.get_by_text("Petra, operator")).to_be_visible()


async def test_an_unknown_badge_is_not_let_in(kiosk: Kiosk, watch: Watch) -> None:
    watch.expected.append("401")
    page = await kiosk()
    await page.evaluate(READ, "nobody-0001")
    await page.get_by_role("button", name="Go on without a PIN").click()

    await expect(page.get_by_role("alert")).to_contain_text("not known here")
    await expect(page.get_by_role("heading", name="Hold your badge")).to_be_visible()


async def test_who_walks_away_is_signed_out_after_the_idle_time(kiosk: Kiosk, running_node: RunningNode) -> None:
    badge = badge_of(running_node, "sven")
    page = await kiosk()
    await page.evaluate(READ, badge)
    await press_pin(page, PIN)
    await expect(page.get_by_text("Sven, operator")).to_be_visible()

    await page.clock.install()
    await page.get_by_label("Your question").fill("x")
    await page.get_by_role("button", name="Clear").click()
    await page.clock.fast_forward(200_000)

    await expect(page.get_by_text("Sven")).to_have_count(0)
    await expect(page.get_by_role("button", name="Badge")).to_be_visible()
