"""Conversations of before: found, opened again, renamed, deleted; those of a team marked as such."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import KIOSK, TENANT
from tests.node import RunningNode

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Console = Callable[..., Awaitable[Page]]
QUESTION = "What does alarm E-0417 mean?"


async def opened(page: Page) -> None:
    await page.get_by_role("button", name="Conversations").click()


async def test_a_conversation_is_found_by_its_title_and_opened_with_its_answers(
    console: Console, running_node: RunningNode
) -> None:
    with running_node.sign_in("operator", TENANT) as operator:
        operator.post("/v1/chat", json={"message": QUESTION}).raise_for_status()
        operator.post("/v1/conversations", json={"title": "Notes of the night shift"}).raise_for_status()
    page = await console("operator", viewport=KIOSK)

    await opened(page)
    sheet = page.get_by_role("dialog", name="Conversations")
    await expect(sheet.get_by_role("button", name="Notes of the night shift").first).to_be_visible()
    await sheet.get_by_label("Search by title").fill("e-0417 alarm")
    await expect(sheet.get_by_role("button", name="Notes of the night shift")).to_have_count(0)
    await sheet.get_by_role("button", name=QUESTION).first.click()

    await expect(sheet).to_have_count(0)
    await expect(page.get_by_role("heading", name=QUESTION)).to_be_visible()
    await expect(page.get_by_role("article")).to_contain_text("Found in your documents")
    await page.get_by_label("Question").fill("And what about E-0418?")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("listitem").filter(has_text=QUESTION).first).to_be_visible()
    with running_node.sign_in("operator", TENANT) as operator:
        titles = [one["title"] for one in operator.get("/v1/conversations").json()["items"]]
        assert "And what about E-0418?" not in titles


async def test_a_conversation_is_renamed_and_deleted_by_whoever_began_it(
    console: Console, running_node: RunningNode
) -> None:
    with running_node.sign_in("viewer", TENANT) as viewer:
        viewer.post("/v1/conversations", json={"title": "Grease"}).raise_for_status()
    page = await console("viewer")

    await opened(page)
    sheet = page.get_by_role("dialog", name="Conversations")
    await sheet.get_by_role("button", name="Rename Grease").click()
    await sheet.get_by_label("New title").fill("Grease of line 4")
    await page.keyboard.press("Enter")
    await expect(sheet.get_by_role("button", name="Rename Grease of line 4")).to_be_visible()
    await sheet.get_by_role("button", name="Delete Grease of line 4").click()
    await page.get_by_role("button", name="Delete conversation").click()

    await expect(sheet).to_contain_text("No conversations yet.")
    with running_node.sign_in("viewer", TENANT) as viewer:
        assert viewer.get("/v1/conversations").json()["items"] == []


async def test_more_conversations_are_shown_when_they_are_asked_for(
    console: Console, running_node: RunningNode
) -> None:
    with running_node.sign_in("admin", TENANT) as admin:
        for number in range(23):
            admin.post("/v1/conversations", json={"title": f"Round {number:02}"}).raise_for_status()
    page = await console("admin")

    await opened(page)
    sheet = page.get_by_role("dialog", name="Conversations")
    await sheet.get_by_label("Search by title").fill("Round")
    await expect(sheet.get_by_role("listitem")).to_have_count(20)
    await sheet.get_by_role("button", name="Show more").click()
    await expect(sheet.get_by_role("listitem")).to_have_count(23)
    await expect(sheet.get_by_role("button", name="Show more")).to_have_count(0)
