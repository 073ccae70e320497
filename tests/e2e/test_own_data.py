"""One's own data in the console: saved, asked to be erased, refused with a reason; and a person whom an admin erases."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import TENANT, Watch
from tests.e2e.test_account import give_password, person
from tests.e2e.test_settings import confirm
from tests.node import RunningNode

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Console = Callable[..., Awaitable[Page]]


async def test_a_person_saves_their_data_asks_to_be_erased_and_reads_why_not(
    console: Console, visit: Console, running_node: RunningNode, watch: Watch
) -> None:
    password = person(running_node, "zdena")
    theirs = await visit("/console", viewport={"width": 1024, "height": 768})
    await give_password(theirs, "zdena", password)
    await theirs.get_by_role("navigation").wait_for()
    await theirs.goto("/console/account")
    async with theirs.expect_download() as coming:
        await theirs.get_by_role("button", name="Save my data").click()
    saved = json.loads(Path(await (await coming.value).path()).read_text())
    assert saved["account"][0]["username"] == "zdena"

    await theirs.get_by_role("button", name="Ask to be erased").click()
    dialog = theirs.get_by_role("dialog")
    await expect(dialog.get_by_role("button", name="Ask")).to_be_disabled()
    await dialog.get_by_label("Type ERASE to go on").fill("ERASE")
    await dialog.get_by_role("button", name="Ask").click()
    await expect(theirs.get_by_text("to be erased. An admin decides.")).to_be_visible()

    page = await console()
    await page.get_by_role("link", name="People").click()
    await page.get_by_role("button", name="Refuse: zdena").click()
    await page.get_by_label("Why not").fill("You still work here.")
    await page.get_by_role("dialog").get_by_role("button", name="Refuse").click()
    await expect(page.get_by_text("Who asks to be erased")).to_have_count(0)
    await theirs.reload()
    await expect(theirs.get_by_text("An admin refused to erase you: You still work here.")).to_be_visible()


async def test_an_admin_erases_somebody_by_typing_their_name_and_nobody_of_that_name_is_left(
    console: Console, running_node: RunningNode, watch: Watch
) -> None:
    watch.expected.append("403")
    person(running_node, "xaver")
    page = await console()
    await page.set_viewport_size({"width": 1024, "height": 768})
    await page.get_by_role("link", name="People").click()
    await page.get_by_role("button", name="Rights xaver").click()
    await page.get_by_role("button", name="Export or erase").click()
    dialog = page.get_by_role("dialog").filter(has_text="cannot be undone")
    await expect(dialog.get_by_role("button", name="Erase")).to_be_disabled()
    async with page.expect_download() as coming:
        await dialog.get_by_role("button", name="Export data").click()
    assert (await coming.value).suggested_filename == "data-of-xaver.json"
    await dialog.get_by_label("Type the user name xaver").fill("xaver")
    await dialog.get_by_role("button", name="Erase").click()
    await confirm(page, running_node)
    await expect(page.get_by_text("is being erased.")).to_be_visible()
    await page.get_by_role("dialog").get_by_role("button", name="Close").last.click()

    def gone() -> bool:
        with running_node.owner(TENANT) as door:
            listed = door.get("/v1/admin/users", params={"page_size": 100}).raise_for_status().json()["items"]
            return all(one["username"] != "xaver" for one in listed)

    running_node.wait_for(gone, "the erasure", seconds=60)
    await page.reload()
    await expect(page.get_by_role("row").nth(1)).to_be_visible()
    await expect(page.get_by_text("xaver")).to_have_count(0)
    await expect(page.get_by_text("-erased-")).to_have_count(0)
