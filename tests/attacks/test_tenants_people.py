"""Attacks across tenants: an admin of one plant reaches for the people, kiosks and tokens of another."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from appliance.identity.errors import UnknownKiosk, UnknownPerson
from appliance.identity.values import PersonChange
from appliance.policy import PolicyEngine
from appliance.store import Store, Tenant
from tests.attacks.tally import attempt, refusal
from tests.identity.site import PASSWORD, Device
from tests.identity.web import Web, web

ENGINE = PolicyEngine()


@pytest.fixture
async def hub(store: Store, tenant: Tenant, other_tenant: Tenant) -> AsyncIterator[Web]:
    """Two tenants with an admin each, on files and on one shared database."""
    async with web(store, ENGINE) as hub:
        await hub.site.add(tenant, "ada", "admin")
        await hub.site.add(other_tenant, "otto", "admin")
        await hub.site.add(other_tenant, "vera", "viewer")
        yield hub


async def test_people_of_another_tenant_are_not_listed(hub: Web) -> None:
    async with await hub.signed_in("north", "ada", PASSWORD) as ada:
        listed = (await ada.get("/v1/admin/users")).json()["items"]

    with attempt():
        assert [one["username"] for one in listed] == ["ada"]


async def test_people_of_another_tenant_cannot_be_changed(hub: Web, tenant: Tenant, other_tenant: Tenant) -> None:
    theirs = (await hub.login("south", "vera", PASSWORD)).json()["user"]["id"]
    async with await hub.signed_in("north", "ada", PASSWORD) as ada:
        for change in ({"role": "admin"}, {"password": "mine from now on"}, {"is_active": False}):
            with attempt():
                refused = await ada.patch(f"/v1/admin/users/{theirs}", json=change)
                assert (refused.status_code, refused.json()["code"]) == (404, "unknown-person")

    assert (await hub.login("south", "vera", PASSWORD)).json()["user"]["role"] == "viewer"
    person = await hub.site.add(other_tenant, "nora")
    with refusal(UnknownPerson):
        await hub.site.people.update(hub.site.admitted(tenant), person.id, PersonChange(unlock=True))


async def test_a_password_opens_the_tenant_it_belongs_to_and_no_other(hub: Web) -> None:
    for tenant, username in (("north", "otto"), ("south", "ada"), ("north", "vera")):
        with attempt():
            assert (await hub.login(tenant, username, PASSWORD)).status_code == 401


async def test_kiosks_of_another_tenant_are_neither_listed_nor_revoked(
    hub: Web, tenant: Tenant, other_tenant: Tenant
) -> None:
    device = Device()
    theirs = await hub.site.enrolled(other_tenant, device)

    async with await hub.signed_in("north", "ada", PASSWORD) as ada:
        assert (await ada.get("/v1/kiosks")).json()["items"] == []
        with attempt():
            assert (await ada.delete(f"/v1/kiosks/{theirs}")).status_code == 404
    with refusal(UnknownKiosk):
        await hub.site.kiosks.revoke(hub.site.admitted(tenant), theirs)
    challenge = await hub.site.kiosks.challenge(theirs)
    assert await hub.site.kiosks.token(theirs, challenge, device.sign(challenge))


async def test_a_kiosk_belongs_to_the_tenant_whose_admin_made_its_code(hub: Web, other_tenant: Tenant) -> None:
    device = Device()
    async with await hub.signed_in("south", "otto", PASSWORD) as otto, hub.client() as anybody:
        confirmed = await hub.step_up(otto, "kiosks.enrol")
        made = await otto.post("/v1/kiosks/enrolment-codes", json={"clearance": 1}, headers=confirmed)
        code = made.json()["code"]
        enrolled = await anybody.post(
            "/v1/kiosks/enrol", json={"code": code, "name": "Line", "public_key": device.public_jwk}
        )

    assert enrolled.json()["tenant"] == "south"


async def test_another_tenant_is_neither_listed_nor_read(hub: Web, other_tenant: Tenant) -> None:
    async with await hub.signed_in("north", "ada", PASSWORD) as ada:
        assert [one["slug"] for one in (await ada.get("/v1/admin/tenants")).json()["items"]] == ["north"]
        refused = await ada.get(f"/v1/admin/tenants/{other_tenant.id}")

    with attempt():
        assert refused.status_code == 404
        assert "South" not in refused.text


async def test_a_page_token_of_one_tenant_shows_nothing_of_another(hub: Web, tenant: Tenant) -> None:
    for name in ("abel", "bob"):
        await hub.site.add(tenant, name)
    async with await hub.signed_in("north", "ada", PASSWORD) as ada:
        token = (await ada.get("/v1/admin/users", params={"page_size": 1})).json()["next_page_token"]

    async with await hub.signed_in("south", "otto", PASSWORD) as otto:
        listed = (await otto.get("/v1/admin/users", params={"page_token": token})).json()["items"]
        altered = await otto.get("/v1/admin/users", params={"page_token": token[:-2] + "AA"})

    with attempt(2):
        assert {one["username"] for one in listed} <= {"otto", "vera"}
        assert altered.status_code == 400
