"""Holds in the console: what one keeps is said before it is set, and letting go needs a reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Console = Callable[..., Awaitable[Page]]


async def test_an_admin_holds_a_document_then_everything_and_lets_go_of_both(console: Console) -> None:
    page = await console()
    await page.set_viewport_size({"width": 1024, "height": 768})
    await page.get_by_role("link", name="Audit").click()
    await page.get_by_role("button", name="Holds", exact=True).click()
    await expect(page.get_by_text("Nothing is on hold.")).to_be_visible()

    await page.get_by_role("button", name="Set a hold").click()
    form = page.get_by_role("dialog")
    await form.get_by_label("What is kept").select_option("One document")
    await expect(form.get_by_role("button", name="Go on")).to_be_disabled()
    await form.get_by_role("combobox").nth(1).select_option(index=1)
    await form.get_by_label("Reason").fill("Claim 7")
    await form.get_by_role("button", name="Go on").click()
    await expect(form).to_contain_text("will be kept until an admin releases the hold")
    await form.get_by_role("button", name="Set a hold").click()
    await expect(page.get_by_role("row").filter(has_text="Claim 7")).to_contain_text("In force")

    await page.get_by_role("button", name="Set a hold").click()
    await form.get_by_label("What is kept").select_option("Everything of the plant")
    await expect(form).to_contain_text("it keeps EVERYTHING")
    await form.get_by_label("Reason").fill("Inspection")
    await form.get_by_role("button", name="Go on").click()
    await expect(form).to_contain_text("it keeps EVERYTHING")
    await form.get_by_role("button", name="Set a hold").click()
    row = page.get_by_role("row").filter(has_text="Inspection")
    await expect(row).to_contain_text("Everything of the plant")
    heights = await page.evaluate("[...document.querySelectorAll('main button')].map((one) => one.offsetHeight)")
    assert min(heights) >= 48  # gloves

    for reason in ("Inspection", "Claim 7"):
        await page.get_by_role("button", name=f"Release: {reason}").click()
        await expect(form.get_by_role("button", name="Release")).to_be_disabled()
        await form.get_by_label("Reason").fill("It is settled")
        await form.get_by_role("button", name="Release").click()
        await expect(page.get_by_role("row").filter(has_text=reason)).to_have_count(0)
    await page.get_by_label("Released ones too").check()
    await expect(page.get_by_role("row").filter(has_text="Inspection")).to_contain_text("Released")


async def test_whoever_is_no_admin_finds_no_holds(console: Console) -> None:
    page = await console("operator")
    await page.get_by_role("link", name="Audit").click()
    await expect(page.get_by_role("button", name="Holds", exact=True)).to_have_count(0)
    await page.goto("/console/holds")
    await expect(page.get_by_text("Only an admin can open this page.")).to_be_visible()
