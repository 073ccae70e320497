"""Classes and data owners on a document's page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import TENANT, Watch
from tests.node import RunningNode

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Console = Callable[..., Awaitable[Page]]
CARD = "# Winch {name}\n\nThe safe working load of winch {name} is {load} kg.\n"


async def upload(page: Page, file: Path, *, level: str, owner: str = "") -> str:
    """Bring a document in and open its page; returns its address."""
    await page.get_by_role("link", name="Documents").click()
    await page.get_by_role("button", name="Upload").click()
    await page.locator("input[type=file]").set_input_files(file)
    await page.get_by_role("radio", name=level).check()
    await page.get_by_label("Data owner").fill(owner)
    async with page.expect_response("**/v1/documents/upload") as answer:
        await page.get_by_role("button", name="Upload 1 file").click()
    await page.get_by_role("button", name="Done").click()
    address = f"/console/documents/{(await (await answer.value).json())['document_id']}"
    await page.goto(address)
    return address


async def test_a_class_is_raised_at_once_and_lowered_only_by_asking(console: Console, tmp_path: Path) -> None:
    file = tmp_path / "Winch W-1 card.md"
    file.write_text(CARD.format(name="W-1", load=400))
    page = await console("operator")
    await upload(page, file, level="I Public")
    await expect(page.get_by_text("You", exact=True)).to_be_visible()

    await page.get_by_role("button", name="Class").click()
    await page.get_by_label("New class").select_option("INTERNAL")
    await page.get_by_role("button", name="Raise").click()
    await expect(page.get_by_text("The class is raised.")).to_be_visible()
    await expect(page.get_by_role("main").get_by_title("Internal")).to_be_visible()

    await page.get_by_role("button", name="Class").click()
    await page.get_by_label("Ask for a lower class").check()
    await page.get_by_label("What for").fill("Handed to visitors")
    await page.get_by_role("dialog").get_by_role("button", name="Ask").click()
    await expect(page.get_by_role("status").filter(has_text="Asked")).to_be_visible()
    await page.get_by_role("link", name="Approvals").click()
    await expect(page.get_by_role("article").filter(has_text="Handed to visitors")).to_contain_text("Waiting")


async def test_a_restricted_document_waits_for_its_data_owner_and_others_ask_to_use_it(
    console: Console, visit: Console, running_node: RunningNode, watch: Watch, tmp_path: Path
) -> None:
    watch.expected.append("404")
    with running_node.owner(TENANT) as door:
        new = {"username": "rosa", "display_name": "Rosa", "role": "operator", "clearance": 3}
        password = door.post("/v1/admin/users", json=new).raise_for_status().json()["password"]
    file = tmp_path / "Winch W-2 contract.md"
    file.write_text(CARD.format(name="W-2", load=700))
    page = await console("admin")
    address = await upload(page, file, level="IV Restricted", owner="rosa")
    await expect(page.get_by_text("you may not read it")).to_be_visible()
    await page.get_by_role("button", name="Ask to use it").click()
    await page.get_by_label("Last day").fill((dt.datetime.now(dt.UTC) + dt.timedelta(days=30)).date().isoformat())
    await page.get_by_label("What for").fill("Audit of the hoists")
    await page.get_by_role("dialog").get_by_role("button", name="Ask").click()
    await expect(page.get_by_role("status").filter(has_text="Asked")).to_be_visible()

    page = await visit(address)
    await page.get_by_label("Plant").fill(TENANT)
    await page.get_by_label("User name").fill("rosa")
    await page.get_by_label("Password", exact=True).fill(password)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text("Waiting for its approval")).to_be_visible()
    await page.get_by_role("link", name="Approvals").click()
    await expect(page.get_by_role("article").filter(has_text="Audit of the hoists")).to_contain_text("for 1 person")
