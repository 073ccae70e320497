"""The bell: what happened is counted, said in words, looked at, and read; programs that are told are looked after in Settings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import TENANT, Watch
from tests.node import RunningNode, listed

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Console = Callable[..., Awaitable[Page]]


def ask_for_an_approval(node: RunningNode) -> None:
    """An operator asks that a document of class II becomes one of class I."""
    with node.sign_in("operator", TENANT) as operator:
        known = len(listed(operator, "ready"))
        files = {"file": (f"gate-{uuid4()}.md", f"# Gate\n\nThe gate {uuid4()} opens at six.\n".encode())}
        sent = operator.post("/v1/documents/upload", files=files, data={"classification": "2"})
        document = sent.raise_for_status().json()["document_id"]
        node.wait_for_documents(TENANT, known + 1, seconds=60)
        wanted: dict[str, Any] = {"kind": "declassify", "classification": "PUBLIC", "purpose": "For visitors."}
        operator.post(f"/v1/documents/{document}/approvals", json=wanted).raise_for_status()


async def test_an_admin_hears_of_a_request_while_looking_goes_there_and_has_read_it(
    console: Console, running_node: RunningNode
) -> None:
    page = await console("admin")
    bell = page.get_by_role("button", name="News,")
    await expect(bell).to_be_visible()
    ask_for_an_approval(running_node)
    await expect(page.get_by_role("button", name="News, 0 unread")).to_have_count(0)

    await bell.click()
    sheet = page.get_by_role("dialog", name="News")
    await expect(sheet).to_contain_text("An approval is asked: a lower class.")
    await sheet.get_by_role("button", name="Mark all as read").click()
    await expect(page.get_by_label("News, 0 unread")).to_have_count(1)
    await sheet.get_by_role("link", name="Look").first.click()
    await expect(page.get_by_role("heading", name="Approvals")).to_be_visible()


async def test_who_listed_no_host_cannot_have_a_program_told(console: Console, watch: Watch) -> None:
    watch.expected.append("400")
    page = await console("admin")
    await page.get_by_role("link", name="Settings").click()
    panel = page.get_by_role("region", name="Programs that are told")
    await expect(panel).to_contain_text("No program is told anything.")
    await panel.get_by_role("button", name="Add a program").click()
    form = page.get_by_role("dialog", name="Add a program")
    await form.get_by_label("Name of the program").fill("Shift book")
    await form.get_by_label("Address").fill("https://shiftbook.plant.example/hook")
    await form.get_by_role("button", name="Add").last.click()
    await expect(form.get_by_role("alert").first).to_contain_text("Tick at least one")
    await form.get_by_label("the disk is nearly full").check()
    await form.get_by_role("button", name="Add").last.click()

    await expect(form).to_contain_text("webhook_hosts")
