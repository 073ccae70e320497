"""The record on the console, and an answer's receipt: what is saved there is proven without the console."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.async_api import Page, expect

from tests.audit.test_export import checked
from tests.qr import read_svg

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Console = Callable[..., Awaitable[Page]]
QUESTION = "What does alarm E-0417 mean?"


async def test_a_record_shows_the_work_that_it_belongs_to_and_is_proven_here_and_elsewhere(
    console: Console, tmp_path: Path
) -> None:
    page = await console("admin")
    await page.get_by_label("Question").fill(QUESTION)
    await page.keyboard.press("Enter")
    await page.get_by_role("article").wait_for()

    await page.get_by_role("link", name="Audit").click()
    await page.get_by_label("Event").select_option("chat.response")
    await page.get_by_role("button", name="chat.response").first.click()
    timeline = page.get_by_role("region", name="The same work")
    await expect(timeline.get_by_role("listitem")).to_have_count(2)
    await expect(timeline.get_by_role("listitem").first).to_contain_text("chat.request")
    await page.get_by_role("button", name="Check the proof").click()
    await expect(page.get_by_role("status").filter(has_text="Proven here")).to_be_visible()
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="Save the proof").click()

    await (await saving.value).save_as(tmp_path / "record.jsonl")
    status, told = await checked(tmp_path / "record.jsonl")
    assert (status, "1 record, an excerpt" in told) == (0, True), told

    await timeline.get_by_role("button").first.click()
    await expect(page.get_by_role("dialog")).to_contain_text('"event_type": "chat.request"')
    await expect(page.get_by_role("button", name="Save the proof")).to_have_count(0)


async def test_the_head_is_kept_on_paper(console: Console) -> None:
    page = await console("viewer")
    await page.get_by_role("link", name="Audit").click()
    await expect(page.get_by_text("never")).to_be_visible()
    await page.get_by_role("button", name="Keep on paper").click()

    dialog = page.get_by_role("dialog", name="Keep this checkpoint")
    note = await dialog.locator("pre").text_content()
    drawing = await dialog.get_by_role("img").get_attribute("src")
    assert note is not None
    assert drawing is not None
    assert read_svg(unquote(drawing.partition(",")[2])) == note
    async with page.expect_download() as saving:
        await dialog.get_by_role("button", name="Save as text").click()
    assert (await (await saving.value).path()).read_text() == note

    await page.emulate_media(media="print")
    shown = await page.evaluate(
        """() => [...document.querySelectorAll("h1, h2, button, pre, img")]
            .filter((one) => getComputedStyle(one).visibility === "visible").map((one) => one.tagName)"""
    )
    assert shown == ["IMG", "PRE"]


async def test_records_of_a_period_are_listed(console: Console) -> None:
    page = await console("admin")
    await page.get_by_role("link", name="Audit").click()
    await expect(page.get_by_role("row").nth(1)).to_be_visible()

    tomorrow = (dt.datetime.now() + dt.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
    await page.get_by_label("From").fill(tomorrow)
    await expect(page.get_by_text("No records match.")).to_be_visible()
    await page.get_by_label("From").fill("")
    await page.get_by_label("Before").fill(tomorrow)
    await expect(page.get_by_role("row").nth(1)).to_be_visible()


async def test_an_answers_receipt_is_saved_and_verifies_without_the_node(console: Console, tmp_path: Path) -> None:
    page = await console("viewer")
    await page.get_by_label("Question").fill(QUESTION)
    await page.keyboard.press("Enter")
    await page.get_by_role("article").wait_for()

    async with page.expect_download() as saving:
        await page.get_by_role("button", name="Save receipt").click()

    saved = await saving.value
    await saved.save_as(tmp_path / saved.suggested_filename)
    status, told = await checked(tmp_path / saved.suggested_filename)
    assert status == 0, told
    assert f"question     {QUESTION}" in told
    dialog = page.get_by_role("dialog", name="Receipt saved")
    digest = next(line.split()[-1] for line in told.splitlines() if line.startswith("receipt "))
    await expect(dialog).to_contain_text(digest)
    await expect(dialog).to_contain_text(saved.suggested_filename)
    drawn = await dialog.get_by_role("img").evaluate("image => image.complete && image.naturalWidth > 100")
    assert drawn
    assert json.loads((tmp_path / saved.suggested_filename).read_text())["format"] == "outpost-answer-receipt/1"
