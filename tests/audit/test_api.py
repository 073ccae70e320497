"""GET /v1/audit and /v1/audit/checkpoint, with the real gate, policy and record behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from appliance.app import build
from appliance.audit import Recorder
from appliance.audit.api import ROUTES
from appliance.audit.instances import Instance
from appliance.audit.notes import verified
from appliance.errors import Unauthenticated
from appliance.gate import Gate
from appliance.policy import PolicyEngine
from appliance.store import Principal, Store, Tenant, new_id
from appliance.store.admission import Role, minter
from appliance.web import Cursors
from tests.audit.conftest import record


@dataclass
class KnownTokens:
    """Authenticates by a list of tokens."""

    known: dict[str, Principal] = field(default_factory=dict)

    async def authenticate(self, token: str, *, kiosk_token: str | None = None) -> Principal:
        if token not in self.known:
            raise Unauthenticated("Unknown token.")
        return self.known[token]

    async def owner(self, tenant_slug: str | None) -> Principal:
        raise Unauthenticated(f"Nobody owns {tenant_slug} here.")


@dataclass
class Site:
    recorder: Recorder
    client: Callable[[Principal], httpx.AsyncClient]
    nora: Principal
    admin: Principal


@pytest.fixture
async def site(store: Store, tenant: Tenant) -> AsyncIterator[Site]:
    recorder = Recorder(store, Instance(store.data / "run"))
    policy = PolicyEngine()
    gate = Gate(policy, recorder, minter())
    tokens = KnownTokens()
    app = build(
        ROUTES,
        {"gate": gate, "policy": policy, "store": store, "recorder": recorder, "cursors": Cursors(b"c" * 32)},
        tokens,
    )

    def client(principal: Principal) -> httpx.AsyncClient:
        tokens.known[str(principal.id)] = principal
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app),  # type: ignore[arg-type]  # litestar types its own messages
            base_url="http://node",
            headers={"authorization": f"Bearer {principal.id}"},
        )

    def person(role: Role) -> Principal:
        return Principal(new_id(), "person", tenant.id, "Nora North", role, 2)

    yield Site(recorder, client, person("viewer"), person("admin"))
    await gate.close()
    await recorder.close()


async def listed(site: Site, principal: Principal, **query: Any) -> dict[str, Any]:
    async with site.client(principal) as client:
        response = await client.get("/v1/audit", params=query)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_an_admin_sees_all_records_of_the_tenant_the_newest_first(
    site: Site, tenant: Tenant, other_tenant: Tenant
) -> None:
    refs = await site.recorder.append(record(tenant), record(other_tenant), record(tenant), record(None))

    page = await listed(site, site.admin, event_type="test.fact")

    assert [item["record"]["id"] for item in page["items"]] == [str(refs[2].id), str(refs[0].id)]
    assert [item["seq"] for item in page["items"]] == [1, 0]
    assert all(item["log"] == f"{tenant.id}/1" and len(item["hash"]) == 64 for item in page["items"])


async def test_everybody_else_sees_their_own_records_whatever_they_ask_for(site: Site, tenant: Tenant) -> None:
    await site.recorder.append(record(tenant, user_id=site.nora.id), record(tenant), record(tenant, user_id=None))

    page = await listed(site, site.nora, user_id=str(site.admin.id))

    users = {item["record"]["user_id"] for item in page["items"]}
    assert users == {str(site.nora.id)}
    events = [item["record"]["event_type"] for item in page["items"]]
    assert events == ["audit.read_own", "test.fact"]


async def test_pages_follow_each_other_without_a_gap_while_the_log_grows(site: Site, tenant: Tenant) -> None:
    refs = await site.recorder.append(*(record(tenant) for _ in range(7)))
    seen: list[int] = []
    token: str | None = None
    while True:
        page = await listed(
            site, site.admin, event_type="test.fact", limit=3, **({"page_token": token} if token else {})
        )
        seen += [item["seq"] for item in page["items"]]
        await site.recorder.append(record(tenant))
        token = page["next_page_token"]
        if token is None:
            break

    assert seen == [ref.seq for ref in reversed(refs)]


async def test_a_page_has_the_size_that_every_list_is_asked_for(site: Site, tenant: Tenant) -> None:
    await site.recorder.append(*(record(tenant) for _ in range(3)))

    for asked in ({"page_size": 2}, {"limit": 2}, {"page_size": 2, "limit": 1}):
        assert len((await listed(site, site.admin, event_type="test.fact", **asked))["items"]) == 2
    async with site.client(site.admin) as client:
        assert (await client.get("/v1/audit", params={"page_size": 101})).status_code == 400


async def test_records_are_filtered_by_person_and_moment(site: Site, tenant: Tenant) -> None:
    wanted = new_id()
    old, new = record(tenant, user_id=wanted), record(tenant, user_id=wanted)
    await site.recorder.append(old, record(tenant), new)

    page = await listed(site, site.admin, user_id=str(wanted), after=old.created_at.isoformat())

    assert [item["record"]["id"] for item in page["items"]] == [str(new.id)]


async def test_a_name_is_shown_while_it_is_kept_and_its_commitment_always(site: Site, tenant: Tenant) -> None:
    await site.recorder.append(record(tenant, personal={"username": "nora.north"}))

    (item,) = (await listed(site, site.admin, event_type="test.fact"))["items"]

    assert item["record"]["personal"] == {"username": "nora.north"}
    assert len(item["commitments"]["username"]) == 64


async def test_a_forged_page_token_is_refused(site: Site) -> None:
    async with site.client(site.admin) as client:
        response = await client.get("/v1/audit", params={"page_token": "eyJyZWNvcmQiOjF9"})

    assert response.status_code == 400
    assert response.json()["code"] == "invalid-cursor"


async def test_the_old_address_shows_the_same(site: Site, tenant: Tenant) -> None:
    await site.recorder.append(record(tenant))
    async with site.client(site.admin) as client:
        response = await client.get("/v1/admin/audit", params={"event_type": "test.fact"})

    assert len(response.json()["items"]) == 1


async def test_reading_the_record_is_recorded(site: Site) -> None:
    await listed(site, site.admin)

    page = await listed(site, site.admin, event_type="audit.read_all")

    assert [item["record"]["phase"] for item in page["items"]] == ["pre", "post", "pre"]


async def test_the_checkpoint_is_a_signed_note_of_the_present_head(site: Site, tenant: Tenant) -> None:
    await site.recorder.append(record(tenant))

    async with site.client(site.nora) as client:
        found = (await client.get("/v1/audit/checkpoint")).json()

    signer = site.recorder.signer
    checkpoint = verified(found["signed_note"], signer.public_key, origin=signer.origin(f"{tenant.id}/1"))
    assert (checkpoint.size, checkpoint.root.hex()) == (found["size"], found["root"])
    assert found["size"] == 2
    assert found["last_witnessed"] is None
