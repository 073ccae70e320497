"""GET /v1/analytics/costs: use of chat models, a page at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from appliance.app import build
from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.gate import Gate
from appliance.policy import PolicyEngine
from appliance.shelf.spending import Spending
from appliance.shelf.spending_api import ROUTES
from appliance.store import Principal, Store, Tenant, new_id
from appliance.store.admission import minter
from appliance.web import Cursors
from tests.audit.test_api import KnownTokens

NOON = dt.datetime(2026, 5, 4, 12, 0, tzinfo=dt.UTC)


@dataclass
class Used:
    """A plant whose models were used on two days by three people."""

    client: Callable[[str], httpx.AsyncClient]
    people: list[Principal]
    spending: Spending
    day: list[dt.datetime]


@pytest.fixture
async def used(store: Store, tenant: Tenant) -> AsyncIterator[Used]:
    recorder = Recorder(store, Instance(store.data / "run"))
    gate = Gate(PolicyEngine(), recorder, minter())
    store.post_record = gate.post_record
    day = [NOON]
    spending = Spending(store, clock=lambda: day[0])
    people = [Principal(new_id(), "person", tenant.id, f"p{number}", "operator", 2) for number in range(3)]
    admin = Principal(new_id(), "person", tenant.id, "ada", "admin", 3)
    tokens = KnownTokens({"admin": admin, "operator": people[0]})
    app = build(ROUTES, {"gate": gate, "spending": spending, "cursors": Cursors(b"c" * 32)}, tokens)

    def client(token: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # litestar types its own messages
        headers = {"authorization": f"Bearer {token}"}
        return httpx.AsyncClient(transport=transport, base_url="http://node", headers=headers)

    for when in (NOON - dt.timedelta(days=1), NOON):
        day[0] = when
        for person in people:
            reserved = await spending.reserve(person, model="m", purpose="words", tokens=10)
            await spending.settle(reserved, prompt=7, completion=1, ms=5)
    yield Used(client, people, spending, day)
    await gate.close()
    await recorder.close()


async def pages(client: httpx.AsyncClient, **query: Any) -> list[list[dict[str, Any]]]:
    found: list[list[dict[str, Any]]] = []
    token: str | None = None
    while True:
        asked = query | ({"page_token": token} if token else {})
        page = (await client.get("/v1/analytics/costs", params=asked)).raise_for_status().json()
        found.append(page["items"])
        token = page["next_page_token"]
        if token is None:
            return found


async def test_every_use_is_on_one_page_and_on_no_other(used: Used) -> None:
    async with used.client("admin") as admin:
        found = await pages(admin, by="person", page_size=4)

    assert [len(page) for page in found] == [4, 2]
    rows = [(one["day"], one["person_id"], one["uses"]) for page in found for one in page]
    ids = sorted(str(person.id) for person in used.people)
    assert rows == [(day, person, 1) for day in ("2026-05-04", "2026-05-03") for person in ids]


async def test_without_a_division_a_day_and_model_is_one_row(used: Used) -> None:
    async with used.client("admin") as admin:
        ((today, before),) = await pages(admin)

    assert (today["uses"], today["prompt_tokens"], today["person_id"], today["provider"]) == (3, 21, None, None)
    assert before["day"] == "2026-05-03"


async def test_a_page_goes_on_where_it_ended_while_more_is_used(used: Used) -> None:
    async with used.client("admin") as admin:
        first = (await admin.get("/v1/analytics/costs", params={"by": "person", "page_size": 3})).json()
        reserved = await used.spending.reserve(used.people[0], model="a", purpose="words", tokens=10)
        await used.spending.settle(reserved, prompt=1, completion=1, ms=1)
        query = {"by": "person", "page_token": first["next_page_token"]}
        rest = (await admin.get("/v1/analytics/costs", params=query)).json()

    assert {one["day"] for one in first["items"]} == {"2026-05-04"}
    assert {one["day"] for one in rest["items"]} == {"2026-05-03"}


async def test_a_token_of_another_division_is_refused_and_use_is_for_admins(used: Used) -> None:
    async with used.client("admin") as admin, used.client("operator") as operator:
        first = (await admin.get("/v1/analytics/costs", params={"by": "person", "page_size": 1})).json()
        query = {"by": "purpose", "page_token": first["next_page_token"]}
        refused = await admin.get("/v1/analytics/costs", params=query)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid-cursor")
        assert (await admin.get("/v1/analytics/costs", params={"by": "name"})).status_code == 400
        assert (await operator.get("/v1/analytics/costs")).status_code == 403
