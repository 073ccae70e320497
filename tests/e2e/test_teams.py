"""Teams in the console: made, filled, and what belongs to them kept from everybody else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import TENANT, Watch
from tests.node import RunningNode

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Console = Callable[..., Awaitable[Page]]
SAID = b"# Winch Zwentibold\n\nThe spindle of winch Zwentibold has 23 turns.\n"
QUESTION = "How many turns has the spindle of winch Zwentibold?"


async def test_what_belongs_to_a_team_is_brought_asked_and_seen_by_those_in_it_alone(
    console: Console, running_node: RunningNode, watch: Watch
) -> None:
    watch.expected.append("404")
    page = await console()
    await page.get_by_role("link", name="Teams").click()
    await page.get_by_role("button", name="New team").click()
    await page.get_by_label("Name").fill("Winch crew")
    await page.get_by_role("button", name="Make the team").click()
    crew = page.get_by_role("dialog", name="Winch crew")
    await expect(crew).to_contain_text("Nobody is in this team yet.")
    me = next(
        one["username"] for one in running_node.credentials() if one["tenant"] == TENANT and one["role"] == "admin"
    )
    mine = await crew.locator("option", has_text=f"({me})").get_attribute("value")
    await crew.get_by_label("Put in").select_option(mine)
    await crew.get_by_role("combobox", name="In the team as").select_option("Owner")
    await crew.get_by_role("button", name="Put into the team").click()
    await expect(crew.get_by_role("listitem")).to_have_count(1)
    await crew.get_by_role("button", name="Close").last.click()
    row = page.get_by_role("row", name="Winch crew")
    await expect(row).to_contain_text("winch-crew")
    await expect(row).to_contain_text("Owner")

    await page.get_by_role("link", name="Documents").click()
    await page.get_by_role("button", name="Upload").first.click()
    drawer = page.get_by_role("dialog")
    await drawer.locator("input[type=file]").set_input_files(
        {"name": "zwentibold.md", "mimeType": "text/markdown", "buffer": SAID}
    )
    await drawer.locator("select[name=team]").select_option("Winch crew")
    await drawer.get_by_role("button", name="Upload").click()
    await drawer.get_by_role("button", name="Done").click()
    read = page.get_by_role("row", name="zwentibold")
    await expect(read).to_contain_text("Ready", timeout=60_000)
    await read.get_by_role("link").first.click()
    await expect(page.get_by_text("Winch crew")).to_be_visible()

    await page.get_by_role("link", name="Ask").click()
    await page.get_by_label("This conversation is for").select_option("Winch crew")
    await page.get_by_role("textbox").fill(QUESTION)
    await page.get_by_role("button", name="Ask", exact=True).click()
    await expect(page.get_by_text("23 turns").first).to_be_visible(timeout=60_000)
    with running_node.sign_in("admin", TENANT) as admin, running_node.sign_in("operator", TENANT) as other:
        talk = next(one for one in admin.get("/v1/conversations").json()["items"] if one["team_id"])
        assert talk["title"] == QUESTION
        assert other.get(f"/v1/conversations/{talk['id']}").status_code == 404
        assert "zwentibold" not in other.get("/v1/documents", params={"page_size": 100}).text
        assert "23 turns" not in other.post("/v1/chat", json={"message": QUESTION}).text


async def test_whoever_is_in_no_team_sees_nothing_of_teams(console: Console) -> None:
    page = await console("operator")

    await expect(page.get_by_role("link", name="Documents")).to_be_visible()
    await expect(page.get_by_role("link", name="Teams")).to_have_count(0)
    await expect(page.get_by_label("This conversation is for")).to_have_count(0)


async def test_a_document_is_given_to_a_team_and_shown_to_everybody_only_when_that_is_meant(
    console: Console, running_node: RunningNode, watch: Watch
) -> None:
    with running_node.owner(TENANT) as door:
        operator = next(one for one in door.get("/v1/admin/users").json()["items"] if one["username"] == "operator")
        for name in ("Hoist crew", "Crane crew"):
            team = door.post("/v1/teams", json={"name": name}).raise_for_status().json()["id"]
            door.put(f"/v1/teams/{team}/members/{operator['id']}", json={"team_role": "owner"}).raise_for_status()
    with running_node.sign_in("operator", TENANT) as door:
        files = {"file": ("wunibald.md", b"# Hoist Wunibald\n\nHoist Wunibald lifts 300 kg.\n", "text/markdown")}
        document = door.post("/v1/documents/upload", files=files).raise_for_status().json()["document_id"]
    watch.expected.append("404")
    page = await console("operator")
    await page.goto(f"/console/documents/{document}")

    await page.get_by_role("button", name="Team").click()
    await page.get_by_role("combobox", name="For").select_option("Hoist crew")
    await page.get_by_role("button", name="Give it to the team").click()
    await expect(page.get_by_text("It belongs to Hoist crew now.")).to_be_visible()
    with running_node.sign_in("viewer", TENANT) as other:
        assert other.get(f"/v1/documents/{document}").status_code == 404

    await page.get_by_role("button", name="Team").click()
    dialog = page.get_by_role("dialog", name="Whose is it?")
    await dialog.get_by_role("combobox", name="For").select_option("The whole plant")
    show = dialog.get_by_role("button", name="Show it to everybody")
    await expect(show).to_be_disabled()
    await dialog.get_by_label("Everybody is to see it").check()
    await show.click()
    await expect(page.get_by_text("It belongs to the whole plant now.")).to_be_visible()
    with running_node.sign_in("viewer", TENANT) as other:
        assert other.get(f"/v1/documents/{document}").status_code == 200
