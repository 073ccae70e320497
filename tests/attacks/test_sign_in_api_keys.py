"""Attacks with API keys: revoked, guessed, stretched, used to get more than they are for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from appliance.errors import Unauthenticated
from appliance.identity import api_keys
from appliance.identity.errors import KeyRefused, NotAPerson, ScopeRefused
from appliance.identity.values import NewApiKey, PersonChange, Proof
from appliance.policy import PolicyEngine
from appliance.store import Store, Tenant
from tests.identity.site import PASSWORD, POLICY, Site
from tests.identity.web import Web, web

pytestmark = pytest.mark.one_try

RUNS_THE_SITE = NewApiKey("All", frozenset({"people.list", "people.update", "kiosks.enrol", "api_keys.create"}))


@pytest.fixture
def site(store: Store) -> Iterator[Site]:
    site = Site(store)
    yield site
    site.close()


@pytest.fixture
async def node(node_store: Store, tenant: Tenant) -> AsyncIterator[Web]:
    async with web(node_store, PolicyEngine()) as node:
        await node.site.add(tenant, "ada", "admin")
        await node.site.add(tenant, "vera", "viewer")
        yield node


async def test_a_revoked_key_is_refused_by_every_process(site: Site, tenant: Tenant) -> None:
    made = await site.api_keys.create(site.admitted(tenant, kind="owner"), RUNS_THE_SITE)
    running = site.sign_in
    await running.authenticate(made.secret)
    await site.api_keys.revoke(site.admitted(tenant), made.key.id)
    running.forget()

    for process in (running, site.sign_in):
        with pytest.raises(KeyRefused):
            await process.authenticate(made.secret)
    assert site.record.reasons() == ["api key over"] * 2


async def test_a_scope_that_the_maker_lost_is_lost_to_the_key(site: Site, tenant: Tenant) -> None:
    person = await site.add(tenant, "ada", "admin")
    await site.add(tenant, "otto", "admin")
    ada = await site.principal(tenant, "ada")
    made = await site.api_keys.create(site.admitted(tenant, principal=ada), RUNS_THE_SITE)
    before = await site.sign_in.authenticate(made.secret)
    await site.people.update(site.admitted(tenant), person.id, PersonChange(role="operator"))
    after = await site.sign_in.authenticate(made.secret)

    assert POLICY.permits(before, "people.list", [api_keys._ANY]) == [True]
    assert POLICY.permits(after, "people.list", [api_keys._ANY]) == [False]


async def test_rotating_a_key_of_somebody_with_more_rights_does_not_hand_them_over(site: Site, tenant: Tenant) -> None:
    made = await site.api_keys.create(site.admitted(tenant, kind="owner"), RUNS_THE_SITE)
    await site.add(tenant, "olga", "operator")
    olga = await site.principal(tenant, "olga")

    with pytest.raises(ScopeRefused):
        await site.api_keys.rotate(site.admitted(tenant, principal=olga), made.key.id)
    assert await site.sign_in.authenticate(made.secret)


async def test_the_prefix_that_lists_show_opens_nothing(site: Site, tenant: Tenant) -> None:
    made = await site.api_keys.create(site.admitted(tenant, kind="owner"), RUNS_THE_SITE)
    prefix = made.key.prefix

    for guess in (
        prefix,
        f"{prefix}_",
        f"{prefix}_{'A' * 43}",
        made.secret[:-1],
        made.secret + "A",
        f"{prefix}_{made.key.hash}",
    ):
        with pytest.raises(KeyRefused):
            await site.sign_in.authenticate(guess)


@pytest.mark.parametrize(
    "garbage", ["opk_", "opk_é", "opk_" + "x" * 100_000, "opk_a.b.c", "opk_" + "_" * 60, "opk_\x00"]
)
async def test_what_is_no_key_is_refused(site: Site, garbage: str) -> None:
    with pytest.raises(KeyRefused):
        await site.sign_in.authenticate(garbage)


async def test_a_key_makes_no_keys_and_raises_no_rights(node: Web) -> None:
    body = {"name": "All", "scopes": sorted(RUNS_THE_SITE.scopes)}
    async with await node.signed_in("north", "ada", PASSWORD) as ada:
        confirmed = await node.step_up(ada, "api_keys.create")
        key = (await ada.post("/v1/api-keys", json=body, headers=confirmed)).json()["key"]
    vera = (await node.login("north", "vera", PASSWORD)).json()["user"]["id"]
    async with node.client(key) as program:
        assert (await program.get("/v1/admin/users")).status_code == 200
        refused = [
            await program.post("/v1/api-keys", json={"name": "x", "scopes": ["chat.ask"]}),
            await program.patch(f"/v1/admin/users/{vera}", json={"role": "admin"}),
            await program.post("/v1/kiosks/enrolment-codes"),
            await program.post("/v1/auth/step-up", json={"action": "kiosks.enrol", "password": PASSWORD}),
        ]
        assert [(one.status_code, one.json()["code"]) for one in refused] == [(403, "not-a-person")] * 4
        assert (await program.get("/v1/auth/factors")).json()["policies"] == ["default-deny"]


async def test_a_key_cannot_step_up(site: Site, tenant: Tenant) -> None:
    made = await site.api_keys.create(site.admitted(tenant, kind="owner"), RUNS_THE_SITE)
    program = await site.sign_in.authenticate(made.secret)

    with pytest.raises(NotAPerson):
        await site.step_ups.give(program, "kiosks.enrol", "", Proof(password=PASSWORD))


async def test_a_persons_token_is_not_taken_from_the_header_of_keys(node: Web) -> None:
    token = (await node.login("north", "ada", PASSWORD)).json()["access_token"]
    async with node.client() as anybody:
        for given in (token, f"Bearer {token}", "", "opk_"):
            assert (await anybody.get("/v1/auth/me", headers={"x-api-key": given})).status_code == 401


async def test_a_key_of_a_plant_that_is_switched_off_or_of_another_node_is_refused(site: Site, tenant: Tenant) -> None:
    made = await site.api_keys.create(site.admitted(tenant, kind="owner"), RUNS_THE_SITE)
    stranger = made.secret[:16].replace(made.secret[4:8], "aaaa") + made.secret[16:]

    with pytest.raises(Unauthenticated):
        await site.sign_in.authenticate(stranger)
