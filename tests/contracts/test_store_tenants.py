"""Making tenants: complete or not there, one per short name."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from appliance.store import Purpose, Store, Tenant, open_store
from appliance.store.errors import InvalidTenant, TenantExists
from appliance.store.tables import MetaRow


async def test_a_new_tenant_is_listed_and_usable_at_once(store: Store) -> None:
    made = await store.create_tenant("east", "East plant", {"languages": ["en", "cs"]})

    assert made in await store.tenants()
    async with store.open_internal(Purpose.VERIFY, made.id) as session:
        assert (await session.scalars(select(MetaRow.tenant_id))).all() == [made.id]
    assert await store.blobs.get(made.id, await store.blobs.put(made.id, b"manual")) == b"manual"


async def test_another_process_sees_a_new_tenant_without_a_restart(store: Store, database_url: str | None) -> None:
    other = await open_store(store.data, database_url)
    assert len(await other.tenants()) == 2

    made = await store.create_tenant("east", "East plant")

    assert made in await other.tenants()
    async with other.open_internal(Purpose.VERIFY, made.id) as session:
        assert (await session.scalars(select(MetaRow.tenant_id))).all() == [made.id]
    await other.close()


async def test_tenants_are_listed_by_name(store: Store, tenant: Tenant, other_tenant: Tenant) -> None:
    first = await store.create_tenant("zz", "A plant")

    assert await store.tenants() == [first, tenant, other_tenant]


async def test_a_taken_short_name_is_refused(store: Store, tenant: Tenant, other_tenant: Tenant) -> None:
    with pytest.raises(TenantExists):
        await store.create_tenant("north", "Another north")

    assert await store.tenants() == [tenant, other_tenant]


@pytest.mark.parametrize("slug", ["", "North", "1st", "a b", "a/b", "-a", "a" * 64, "ž", "a\n"])
async def test_a_short_name_that_cannot_be_typed_everywhere_is_refused(store: Store, slug: str) -> None:
    with pytest.raises(InvalidTenant):
        await store.create_tenant(slug, "Plant")


@pytest.mark.parametrize("name", ["", "  ", "x" * 201])
async def test_a_tenant_needs_a_name_that_people_can_read(store: Store, name: str) -> None:
    with pytest.raises(InvalidTenant):
        await store.create_tenant("east", name)


async def test_of_two_that_make_the_same_tenant_at_once_one_succeeds(store: Store, database_url: str | None) -> None:
    other = await open_store(store.data, database_url)

    results = await asyncio.gather(
        store.create_tenant("east", "East plant"), other.create_tenant("east", "East plant"), return_exceptions=True
    )

    assert sorted(type(result).__name__ for result in results) == ["Tenant", "TenantExists"]
    assert [tenant.slug for tenant in await store.tenants()].count("east") == 1
    await other.close()
