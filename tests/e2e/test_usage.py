"""Usage in the console: what models wrote, by day, person and purpose, against the budgets."""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from playwright.async_api import Page, expect

from appliance.shelf.spending import Spending
from appliance.store import Principal, open_store
from tests.e2e.conftest import TENANT
from tests.node import RunningNode

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Console = Callable[..., Awaitable[Page]]
MODELS = ("small", "lab/large")


async def use(node: RunningNode, days: int) -> int:
    """Use models for some days, as everybody of the plant; returns how many tokens that took today."""
    chance, today = random.Random(5), 0
    with node.owner(TENANT) as door:
        people = door.get("/v1/admin/users", params={"page_size": 100}).raise_for_status().json()["items"]
        door.put("/v1/admin/budgets", json={"limit_tokens": 4000, "hard": False}).raise_for_status()
    store = await open_store(node.data)
    tenant = next(one for one in await store.tenants() if one.slug == TENANT)
    now = dt.datetime.now(dt.UTC)
    for back in range(days):
        spending = Spending(store, clock=lambda at=now - dt.timedelta(days=back): at)  # type: ignore[misc]
        for one in people:
            person = Principal(UUID(one["id"]), "person", tenant.id, one["username"], one["role"], 3)
            model, prompt, completion = chance.choice(MODELS), chance.randint(300, 900), chance.randint(40, 200)
            purpose, provider = chance.choice(("words", "cards")), "lab" if "/" in model else "local"
            held = await spending.reserve(person, model=model, purpose=purpose, tokens=9, provider=provider)
            await spending.settle(held, prompt=prompt, completion=completion, ms=completion * 31.0)
            today += prompt + completion if back == 0 else 0
    await store.close()
    return today


def spent_by_person(door: httpx.Client, *, days: int) -> Iterator[dict[str, Any]]:
    """All pages: other tests leave many people behind."""
    token = None
    while True:
        wanted: dict[str, str | int] = {
            "by": "person",
            "days": days,
            "page_size": 100,
            **({"page_token": token} if token else {}),
        }
        page = door.get("/v1/analytics/costs", params=wanted).raise_for_status().json()
        yield from page["items"]
        if (token := page["next_page_token"]) is None:
            return


async def test_usage_is_seen_by_day_and_person_and_saved_as_a_table(
    console: Console, running_node: RunningNode
) -> None:
    today = await use(running_node, 20)
    page = await console()
    await page.get_by_role("link", name="Usage").click()
    chart = page.get_by_role("img", name="Tokens per day by model")
    await expect(chart).to_be_visible()
    table = page.get_by_role("table")
    await expect(table.get_by_role("row", name="lab/large")).to_be_visible()
    await expect(page.get_by_role("listitem").filter(has_text="The whole plant").first).to_contain_text(
        f"{today:,} of 4,000 tokens today (warns only)"
    )
    await page.get_by_label("Divided by").select_option("Person or kiosk")
    with running_node.owner(TENANT) as door:
        people = door.get("/v1/admin/users", params={"page_size": 100}).raise_for_status().json()["items"]
        spent = list(spent_by_person(door, days=7))
    said = [one["display_name"] for one in people]
    # Other tests make people of one name; each of them can still be told from the others.
    names = [
        f"{one['display_name']} ({one['username']})" if said.count(one["display_name"]) > 1 else one["display_name"]
        for one in people
    ]
    for name in names:
        await expect(table.get_by_role("rowheader", name=name, exact=True)).to_be_visible()
    await page.get_by_label("Period").select_option("Last 7 days")
    total = sum(one["prompt_tokens"] + one["completion_tokens"] for one in spent)
    await expect(table.locator("tfoot")).to_contain_text(f"{total:,} tokens")
    async with page.expect_download() as saving:
        await page.get_by_role("button", name="Save as table").click()
    rows = list(csv.DictReader(io.StringIO(Path(await (await saving.value).path()).read_text(encoding="utf-8"))))
    assert {one["person"] for one in rows} == set(names)
    assert sum(int(one["prompt_tokens"]) + int(one["completion_tokens"]) for one in rows) == total

    await page.get_by_label("Divided by").select_option("Purpose")
    await page.get_by_label("Shown").select_option("Answers written")
    await expect(table.get_by_role("row", name="Knowledge cards")).to_be_visible()
    await expect(page.get_by_role("img", name="Answers written per day by purpose")).to_be_visible()


async def test_a_budget_is_set_and_taken_away(console: Console, running_node: RunningNode) -> None:
    with running_node.owner(TENANT) as door:
        people = door.get("/v1/admin/users", params={"page_size": 100}).raise_for_status().json()["items"]
    name = next(one["display_name"] for one in people if one["role"] == "operator")
    page = await console()
    await page.get_by_role("link", name="Usage").click()
    budgets = page.get_by_role("region", name="Budgets")
    await budgets.get_by_label("For").select_option(name)
    await budgets.get_by_label("Counts").select_option("searches")
    await budgets.get_by_label("Over").select_option("a month")
    await budgets.get_by_label("At most").fill("12000")
    await budgets.get_by_label("When it is used up").select_option("Warn only")
    await budgets.get_by_role("button", name="Set", exact=True).click()

    made = budgets.get_by_role("listitem").filter(has_text="12,000 searches this month (warns only)")
    await expect(made).to_contain_text(name)
    await budgets.get_by_role("button", name=f"Remove the budget: {name}").click()
    await expect(made).to_have_count(0)


async def test_an_operator_sees_no_usage(console: Console) -> None:
    page = await console("operator")
    await expect(page.get_by_role("link", name="Usage")).to_have_count(0)
