"""Tenants: made by the owner of the node, switched off and on, and never all off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from appliance.edge import OwnerDoor
from appliance.identity.errors import NoTenant, TenantInactive
from appliance.identity.tenants import LastTenant, Tenants
from appliance.policy import PolicyEngine
from appliance.store import Store, Tenant, new_id
from appliance.store.errors import InvalidTenant, TenantExists
from tests.identity.site import PASSWORD, Site
from tests.identity.web import Web, web

ENGINE = PolicyEngine()


@pytest.fixture
async def node(node_store: Store, tenant: Tenant, other_tenant: Tenant) -> AsyncIterator[Web]:
    async with web(node_store, ENGINE) as node:
        await node.site.add(tenant, "ada", "admin")
        await node.site.add(other_tenant, "otto", "admin")
        yield node


def owner(node: Web, tenant: str = "north") -> httpx.AsyncClient:
    door = OwnerDoor(node.app)
    transport = httpx.ASGITransport(door)  # type: ignore[arg-type]  # litestar types its own messages
    return httpx.AsyncClient(transport=transport, base_url="http://node", headers={"x-outpost-tenant": tenant})


async def test_a_new_tenant_has_nobody_until_somebody_is_added(either_site: Site, tenant: Tenant) -> None:
    admitted = either_site.admitted(tenant, kind="owner")
    made = await Tenants(either_site.store).create(admitted, "east", " East plant ")

    assert (made.slug, made.name, made.is_active) == ("east", "East plant", True)
    assert admitted.outcome.resource_id == str(made.id)
    await either_site.add(made, "eva", "admin")
    assert (await either_site.login(made, "eva")).tenant_slug == "east"


async def test_what_is_off_lets_nobody_in_and_keeps_everything(
    either_site: Site, tenant: Tenant, other_tenant: Tenant
) -> None:
    tenants = Tenants(either_site.store)
    await either_site.add(other_tenant, "otto")
    token = (await either_site.login(other_tenant, "otto")).access_token

    off = await tenants.update(either_site.admitted(tenant, kind="owner"), other_tenant.id, is_active=False)
    assert not off.is_active
    with pytest.raises(TenantInactive):
        await either_site.sign_in.authenticate(token)
    with pytest.raises(TenantInactive):
        await either_site.login(other_tenant, "otto")

    admitted = either_site.admitted(tenant, kind="owner")
    await tenants.update(admitted, other_tenant.id, is_active=True)
    assert (await either_site.sign_in.authenticate(token)).name == "otto"
    assert admitted.outcome.metadata["before"] == {"is_active": False}
    assert admitted.outcome.metadata["after"] == {"is_active": True}


async def test_one_tenant_stays_on_whoever_is_quicker(either_site: Site, tenant: Tenant, other_tenant: Tenant) -> None:
    tenants = Tenants(either_site.store)

    async def off(which: Tenant) -> bool:
        try:
            await tenants.update(either_site.admitted(tenant, kind="owner"), which.id, is_active=False)
        except LastTenant:
            return False
        return True

    done = await asyncio.gather(off(tenant), off(other_tenant))

    assert sorted(done) == [False, True]
    assert [one.is_active for one in await either_site.store.tenants()].count(True) == 1


async def test_a_tenant_that_is_off_already_can_be_put_off_again(
    either_site: Site, tenant: Tenant, other_tenant: Tenant
) -> None:
    tenants = Tenants(either_site.store)
    for _ in range(2):
        await tenants.update(either_site.admitted(tenant, kind="owner"), other_tenant.id, is_active=False)
    with pytest.raises(LastTenant):
        await tenants.update(either_site.admitted(tenant, kind="owner"), tenant.id, is_active=False)


async def test_a_tenant_is_renamed_and_its_short_name_stays(either_site: Site, tenant: Tenant) -> None:
    tenants = Tenants(either_site.store)
    renamed = await tenants.update(either_site.admitted(tenant, kind="owner"), tenant.id, name="  Works 1 ")

    assert (renamed.slug, renamed.name) == ("north", "Works 1")
    with pytest.raises(InvalidTenant):
        await tenants.update(either_site.admitted(tenant, kind="owner"), tenant.id, name="   ")
    with pytest.raises(NoTenant):
        await tenants.update(either_site.admitted(tenant, kind="owner"), new_id(), name="Nowhere")
    with pytest.raises(TenantExists):
        await tenants.create(either_site.admitted(tenant, kind="owner"), "north", "Again")


async def test_the_owner_keeps_every_tenant_of_the_node(node: Web, other_tenant: Tenant) -> None:
    async with owner(node) as door:
        made = await door.post("/v1/admin/tenants", json={"slug": "east", "name": "East plant"})
        assert made.status_code == 201, made.text
        off = await door.patch(f"/v1/admin/tenants/{other_tenant.id}", json={"is_active": False})
        assert (off.status_code, off.json()["is_active"]) == (200, False)
        assert (await node.login("south", "otto", PASSWORD)).status_code == 403
        assert [one["slug"] for one in (await door.get("/v1/admin/tenants")).json()["items"]] == [
            "east", "north", "south",
        ]  # fmt: skip
        on = await door.patch(f"/v1/admin/tenants/{other_tenant.id}", json={"is_active": True})
        assert on.json()["is_active"]
        for wrong in ({"is_active": 0}, {"name": ""}, {"slug": "new"}):
            assert (await door.patch(f"/v1/admin/tenants/{other_tenant.id}", json=wrong)).status_code == 400


async def test_an_admin_of_a_plant_keeps_no_plant_not_even_their_own(
    node: Web, tenant: Tenant, other_tenant: Tenant
) -> None:
    async with await node.signed_in("north", "ada", PASSWORD) as ada:
        for one in (tenant, other_tenant):
            refused = await ada.patch(f"/v1/admin/tenants/{one.id}", json={"is_active": False})
            assert (refused.status_code, refused.json()["code"]) == (403, "policy-denied")
        assert (await ada.post("/v1/admin/tenants", json={"slug": "west", "name": "West"})).status_code == 403

    assert {one.slug: one.is_active for one in await node.site.store.tenants()} == {"north": True, "south": True}


async def test_the_owner_deletes_a_plant_by_its_typed_name_and_undoes_it(
    node: Web, tenant: Tenant, other_tenant: Tenant
) -> None:
    where = f"/v1/admin/tenants/{other_tenant.id}"
    async with owner(node) as door:
        for typed in ({}, {"confirm": "north"}, {"confirm": "SOUTH", "now": "true"}):
            refused = await door.delete(where, params=typed)
            assert (refused.status_code, refused.json()["code"]) == (400, "not-confirmed")
        deleted = await door.delete(where, params={"confirm": "south"})
        assert (deleted.status_code, deleted.json()["is_active"]) == (202, False)
        assert deleted.json()["purge_at"] is not None
        assert (await node.login("south", "otto", PASSWORD)).status_code == 403
        last = await door.delete(f"/v1/admin/tenants/{tenant.id}", params={"confirm": "north"})
        assert (last.status_code, last.json()["code"]) == (409, "last-tenant")
        back = await door.patch(where, json={"is_active": True})
        assert (back.json()["is_active"], back.json()["purge_at"]) == (True, None)
    async with await node.signed_in("north", "ada", PASSWORD) as ada:
        assert (await ada.delete(where, params={"confirm": "south"})).status_code == 403
