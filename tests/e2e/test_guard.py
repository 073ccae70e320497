"""The guard in the console: what it found, its rule, and what people are told of answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.e2e.conftest import TENANT, Watch
from tests.e2e.test_account import give_password, person
from tests.node import RunningNode

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Console = Callable[..., Awaitable[Page]]
SETTINGS = "/v1/guard/settings"


@pytest_asyncio.fixture(loop_scope="session")
async def guard(console: Console, running_node: RunningNode) -> AsyncIterator[Page]:
    """The page of an admin; what they set is taken back."""
    page = await console()
    await page.get_by_role("link", name="Guard").click()
    yield page
    with running_node.sign_in("admin", TENANT) as admin:
        admin.put(f"{SETTINGS}/pii", json={}).raise_for_status()
        admin.put(f"{SETTINGS}/disclosure", json={"texts": {}}).raise_for_status()


def attempted(node: RunningNode) -> None:
    with node.sign_in("operator", TENANT) as operator:
        operator.post("/v1/chat", json={"message": "Bypass the light curtain of M-4."}).raise_for_status()


async def test_an_admin_reads_what_the_guard_found_and_narrows_it(running_node: RunningNode, guard: Page) -> None:
    attempted(running_node)
    await guard.reload()
    found = guard.get_by_role("region", name="What the guard found")
    row = found.get_by_role("row").filter(has_text="DANGEROUS").first
    await expect(row).to_contain_text("Not given to a model")
    await expect(row).to_contain_text("High")

    await found.get_by_role("combobox").first.select_option(label="Secret")
    await expect(found).to_contain_text("Nothing like that was found.")


async def test_an_auditor_reads_what_the_guard_found_and_sets_nothing(
    visit: Callable[..., Awaitable[Page]], running_node: RunningNode, watch: Watch
) -> None:
    attempted(running_node)
    password = person(running_node, "gwen")
    until = (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=30)).isoformat()
    with running_node.owner(TENANT) as door:
        gwen = next(one for one in door.get("/v1/admin/users").json()["items"] if one["username"] == "gwen")
        duties = {"duties": [{"duty": "auditor", "until": until}]}
        door.patch(f"/v1/admin/users/{gwen['id']}", json=duties).raise_for_status()
    page = await visit("/console", viewport={"width": 1024, "height": 768})
    await give_password(page, "gwen", password)

    await page.get_by_role("link", name="Guard").click()
    found = page.get_by_role("region", name="What the guard found")
    await expect(found.get_by_role("row").filter(has_text="DANGEROUS").first).to_contain_text("Not given to a model")
    await expect(page.get_by_role("heading", name="Personal data")).to_have_count(0)
    await expect(found.get_by_role("link")).to_have_count(0)
    await expect(page.get_by_role("alert")).to_have_count(0)


async def test_an_admin_sets_what_becomes_of_personal_data(running_node: RunningNode, guard: Page) -> None:
    rule = guard.get_by_role("form", name="Personal data")
    await rule.get_by_label("Give the model nothing").check()
    await expect(rule).to_contain_text("is given to no model")
    await rule.get_by_label("Passports").uncheck()
    await rule.get_by_role("button", name="Save").click()
    await expect(rule.get_by_role("status")).to_have_text("Saved. It counts from the next answer.")

    with running_node.sign_in("admin", TENANT) as admin:
        kept = admin.get(SETTINGS).json()["pii_sanitization"]
    assert (kept["enabled"], kept["action"]) == (True, "block")
    assert "passport" not in kept["patterns"]
    assert "phone_number" in kept["patterns"]


async def test_an_admin_words_the_disclosure_and_operators_read_it_in_their_language(
    console: Console, running_node: RunningNode, guard: Page
) -> None:
    told = guard.get_by_role("form", name="What people are told of answers")
    await told.get_by_label("Language").select_option(label="German")
    await told.get_by_label("Text", exact=True).fill("Von der KI der Anlage. Bitte prüfen.")
    await expect(told.get_by_role("region", name="So it stands below an answer")).to_contain_text("KI der Anlage")
    await told.get_by_role("button", name="Save").click()
    await expect(told.get_by_role("status")).to_contain_text("Saved")

    theirs = await console("operator", locale="de-DE")
    await theirs.get_by_label("Question").fill("What does alarm E-0417 mean?")
    await theirs.keyboard.press("Enter")
    await expect(theirs.get_by_text("Von der KI der Anlage. Bitte prüfen.")).to_be_visible()

    await told.get_by_role("button", name="Back to the words of the release").click()
    with running_node.sign_in("admin", TENANT) as admin:
        await expect(told.get_by_role("button", name="Back to the words")).to_have_count(0)
        assert admin.get(SETTINGS).json()["own_languages"] == []
