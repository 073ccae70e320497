"""One's own password: changed by who has it, and by nobody who only holds a token."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from appliance.identity.errors import NotAPerson, SessionEnded, SignInRefused, WeakPassword
from appliance.identity.tables import PersonRow
from appliance.policy import PolicyEngine
from appliance.store import CONTROL, Purpose, Store, Tenant
from tests.identity.site import PASSWORD, Site
from tests.identity.web import Web, web

ENGINE = PolicyEngine()
NEW = "seven green bottles"


@pytest.fixture
async def node(node_store: Store, tenant: Tenant) -> AsyncIterator[Web]:
    async with web(node_store, ENGINE) as node:
        await node.site.add(tenant, "vera", "viewer")
        yield node


async def test_a_new_password_works_from_then_on_and_ends_the_other_sessions(either_site: Site, tenant: Tenant) -> None:
    site = either_site
    await site.add(tenant, "vera", "viewer")
    elsewhere = await site.login(tenant, "vera")
    mine = await site.login(tenant, "vera")
    vera = await site.sign_in.authenticate(mine.access_token)

    await site.people.change_own_password(site.admitted(tenant, principal=vera), NEW)

    assert (await site.login(tenant, "vera", NEW)).person.username == "vera"
    with pytest.raises(SignInRefused):
        await site.login(tenant, "vera")
    assert (await site.sign_in.authenticate(mine.access_token)).id == vera.id
    assert (await site.sign_in.refresh(mine.refresh_token)).person.id == vera.id
    with pytest.raises(SessionEnded):
        await site.sign_in.authenticate(elsewhere.access_token)
    with pytest.raises(SessionEnded):
        await site.sign_in.refresh(elsewhere.refresh_token)


@pytest.mark.parametrize("chosen", [PASSWORD, "short", "vera vera vera", "aaaaaaaaaaaaaa", "x" * 257])
async def test_the_old_password_and_an_easy_one_are_no_new_ones(site: Site, tenant: Tenant, chosen: str) -> None:
    await site.add(tenant, "vera", "viewer")
    vera = await site.principal(tenant, "vera")

    with pytest.raises(WeakPassword):
        await site.people.change_own_password(site.admitted(tenant, principal=vera), chosen)
    assert (await site.login(tenant, "vera")).person.id == vera.id


async def test_who_signs_in_elsewhere_has_no_password_here(site: Site, tenant: Tenant) -> None:
    await site.add(tenant, "vera", "viewer")
    vera = await site.principal(tenant, "vera")
    async with site.store.open_internal(Purpose.SEED, CONTROL, write=True) as session:
        (await session.get_one(PersonRow, vera.id)).password_hash = ""

    with pytest.raises(NotAPerson):
        await site.people.change_own_password(site.admitted(tenant, principal=vera), NEW)
    with pytest.raises(NotAPerson):
        await site.people.change_own_password(site.admitted(tenant, kind="service"), NEW)


async def test_it_is_changed_over_http_with_a_step_up_for_that_alone(node: Web) -> None:
    async with await node.signed_in("north", "vera", PASSWORD) as vera:
        body = {"password": NEW}
        assert (await vera.put("/v1/auth/password", json=body)).json()["code"] == "step-up-required"
        for_the_pin = await node.step_up(vera, "badges.pin")
        refused = await vera.put("/v1/auth/password", json=body, headers=for_the_pin)
        assert refused.json()["code"] == "step-up-refused"
        confirmed = await node.step_up(vera, "passwords.change")
        assert (await vera.put("/v1/auth/password", json=body, headers=confirmed)).status_code == 204
        again = await vera.put("/v1/auth/password", json={"password": "another one here"}, headers=confirmed)
        assert again.json()["code"] == "step-up-refused"
        assert (await vera.get("/v1/auth/me")).status_code == 200

    assert (await node.login("north", "vera", PASSWORD)).status_code == 401
    assert (await node.login("north", "vera", NEW)).status_code == 200
