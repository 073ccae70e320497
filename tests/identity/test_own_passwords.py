"""Whose password somebody else made: they choose another at the first sign-in, and may do nothing before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from appliance.identity import rules, seed_people
from appliance.identity.errors import SessionEnded, SignInRefused
from appliance.identity.identities import PasswordOwed
from appliance.identity.values import PersonChange, Role
from appliance.policy import PolicyEngine
from appliance.store import Store, Tenant
from tests.identity.site import PASSWORD, Device, Site
from tests.identity.web import Web
from tests.identity.web import web as serve

OWN = "seven red boats"
EVERYTHING = ("/v1/auth/me", "/v1/auth/factors", "/v1/admin/users", "/v1/kiosks")


@pytest.fixture
async def web(store: Store) -> AsyncIterator[Web]:
    async with serve(store, PolicyEngine(), own_passwords=True) as served:
        served.site.own_passwords = True
        yield served


async def test_a_password_that_an_admin_made_is_good_for_choosing_another_and_nothing_else(
    web: Web, tenant: Tenant
) -> None:
    await web.site.add(tenant, "vera", "admin")
    tokens = (await web.login(tenant.slug, "vera", PASSWORD)).raise_for_status().json()
    assert tokens["must_change_password"] is True

    async with web.client(tokens["access_token"]) as vera:
        for path in EVERYTHING:
            refused = await vera.get(path)
            assert (refused.status_code, refused.json()["code"]) == (403, "password-change-required"), path
            assert "PUT /v1/auth/password" in refused.json()["hint"]
        same = await vera.put("/v1/auth/password", json={"password": PASSWORD})
        assert (same.status_code, same.json()["code"]) == (400, "weak-password")
        assert (await vera.put("/v1/auth/password", json={"password": OWN})).status_code == 204
        assert (await vera.get("/v1/auth/me")).json()["scopes"] == []

    again = (await web.login(tenant.slug, "vera", OWN)).raise_for_status().json()
    assert again["must_change_password"] is False
    assert (await web.login(tenant.slug, "vera", PASSWORD)).status_code == 401


async def test_somebody_who_has_chosen_is_asked_for_a_step_up_as_anybody(web: Web, tenant: Tenant) -> None:
    await web.site.add(tenant, "vera", "viewer")
    async with await web.signed_in(tenant.slug, "vera", PASSWORD) as vera:
        await vera.put("/v1/auth/password", json={"password": OWN})
        refused = await vera.put("/v1/auth/password", json={"password": "eight red boats"})

    assert refused.json()["code"] == "step-up-required"


async def test_somebody_who_has_to_choose_can_sign_out(web: Web, tenant: Tenant) -> None:
    await web.site.add(tenant, "vera", "viewer")
    async with await web.signed_in(tenant.slug, "vera", PASSWORD) as vera:
        assert (await vera.post("/v1/auth/logout")).status_code == 204
        assert (await vera.put("/v1/auth/password", json={"password": OWN})).status_code == 401


async def test_an_admin_sees_who_has_not_chosen_yet(web: Web, tenant: Tenant) -> None:
    await web.site.add(tenant, "ada", "admin")
    await web.site.add(tenant, "vera", "viewer")
    async with await web.signed_in(tenant.slug, "ada", PASSWORD) as ada:
        await ada.put("/v1/auth/password", json={"password": OWN})
        people = (await ada.get("/v1/admin/users")).raise_for_status().json()["items"]

    assert {one["username"]: one["must_change_password"] for one in people} == {"ada": False, "vera": True}


async def test_a_password_given_by_an_admin_again_is_chosen_again(either_site: Site, tenant: Tenant) -> None:
    site = either_site
    site.own_passwords = True
    vera = await chosen(site, tenant, "vera")

    await site.people.update(site.admitted(tenant), vera, PersonChange(password="given by an admin"))

    assert (await site.login(tenant, "vera", "given by an admin")).must_change
    with pytest.raises(SignInRefused):
        await site.login(tenant, "vera", OWN)


async def test_an_admin_who_gives_themselves_a_password_has_chosen_it(site: Site, tenant: Tenant) -> None:
    site.own_passwords = True
    ada = await chosen(site, tenant, "ada", role="admin")
    principal = await site.sign_in.authenticate((await site.login(tenant, "ada", OWN)).access_token)

    await site.people.update(site.admitted(tenant, principal=principal), ada, PersonChange(password="nine green doors"))

    assert not (await site.login(tenant, "ada", "nine green doors")).must_change


async def test_what_else_an_admin_changes_leaves_the_password_ones_own(site: Site, tenant: Tenant) -> None:
    site.own_passwords = True
    vera = await chosen(site, tenant, "vera")

    await site.people.update(site.admitted(tenant), vera, PersonChange(display_name="Vera V", unlock=True))

    assert not (await site.login(tenant, "vera", OWN)).must_change


async def test_the_people_of_a_new_plant_choose_their_own(site: Site, tenant: Tenant) -> None:
    site.own_passwords = True
    for made in await seed_people(site.store, [tenant], passwords=site.passwords, clock=site.clock):
        assert (await site.login(tenant, made.username, made.password)).must_change


async def test_a_session_for_choosing_ends_after_a_quarter_of_an_hour_however_often_it_is_refreshed(
    either_site: Site, tenant: Tenant
) -> None:
    site = either_site
    site.own_passwords = True
    await site.add(tenant, "vera")
    signed_in = await site.login(tenant, "vera")
    site.clock.pass_(minutes=10)
    fresh = await site.sign_in.refresh(signed_in.refresh_token)
    assert fresh.must_change
    assert (await site.sign_in.authenticate(fresh.access_token)).scopes == rules.WITHOUT_PASSWORD

    site.clock.pass_(minutes=6)
    with pytest.raises(SessionEnded):
        await site.sign_in.authenticate(fresh.access_token)
    with pytest.raises(SessionEnded):
        await site.sign_in.refresh(fresh.refresh_token)


async def test_the_session_goes_on_as_any_once_a_password_is_chosen(either_site: Site, tenant: Tenant) -> None:
    site = either_site
    site.own_passwords = True
    await site.add(tenant, "vera")
    signed_in = await site.login(tenant, "vera")
    principal = await site.sign_in.authenticate(signed_in.access_token)
    await site.people.change_own_password(site.admitted(tenant, principal=principal), OWN)

    site.clock.pass_(hours=2)
    fresh = await site.sign_in.refresh(signed_in.refresh_token)

    assert not fresh.must_change
    assert (await site.sign_in.authenticate(fresh.access_token)).scopes == frozenset()


async def test_a_badge_is_not_the_password_and_asks_for_none(site: Site, tenant: Tenant) -> None:
    site.own_passwords = True
    vera = await site.add(tenant, "vera")
    device = Device()
    token = await site.kiosk_token(await site.enrolled(tenant, device), device)
    await site.badges.give(site.admitted(tenant), vera.id, "04A1B2C3", "902115")

    kiosk = await site.sign_in.authenticate(token)
    at = await site.badges.sign_in(kiosk, "04A1B2C3", "902115")

    assert not (await site.sign_in.authenticate(at.access_token, kiosk_token=token)).must_change


async def test_where_nobody_is_asked_a_given_password_serves_as_any(site: Site, tenant: Tenant) -> None:
    """Who tries the demo out; the same data directory asks as soon as it is no demo any more."""
    await site.add(tenant, "vera")
    signed_in = await site.login(tenant, "vera")
    assert not signed_in.must_change
    assert not (await site.sign_in.authenticate(signed_in.access_token)).must_change

    site.own_passwords = True

    assert (await site.sign_in.authenticate(signed_in.access_token)).must_change


async def test_a_refusal_is_in_the_record_once_a_minute(site: Site, tenant: Tenant) -> None:
    site.own_passwords = True
    await site.add(tenant, "vera")
    sign_in = site.sign_in
    principal = await sign_in.authenticate((await site.login(tenant, "vera")).access_token)
    for _ in range(3):
        with pytest.raises(PasswordOwed):
            await sign_in.turn_away(principal)

    assert site.record.reasons() == ["password-change-required"]


async def chosen(site: Site, tenant: Tenant, name: str, role: Role = "operator") -> UUID:
    """Somebody who has replaced the password that they were given by `OWN`."""
    person = await site.add(tenant, name, role)
    principal = await site.sign_in.authenticate((await site.login(tenant, name)).access_token)
    await site.people.change_own_password(site.admitted(tenant, principal=principal), OWN)
    return person.id
