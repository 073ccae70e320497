"""Tenants over HTTP: admins see their own, the owner of the node keeps them all."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Self
from uuid import UUID

from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter
from pydantic import Field

from appliance.identity.errors import NoTenant
from appliance.identity.ports import Door, Permits
from appliance.identity.schemas import Body
from appliance.identity.sign_in import SignIn
from appliance.identity.tenants import Tenants
from appliance.policy.values import Resource
from appliance.store import Principal, Store, Tenant
from appliance.web import Flag, Injected


class NewTenant(Body):
    slug: Annotated[str, Field(min_length=1, max_length=63, description="What people type at sign-in; it stays.")]
    name: Annotated[str, Field(min_length=1, max_length=200)]


class TenantChange(Body):
    """What is left out stays as it is."""

    name: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    is_active: Annotated[Flag | None, Field(description="Nobody and nothing of a plant that is off comes in.")] = None


class TenantView(Body):
    id: UUID
    slug: str
    name: str
    is_active: bool
    purge_at: Annotated[dt.datetime | None, Field(description="When all of it is erased, after it was deleted.")] = None

    @classmethod
    def of(cls, tenant: Tenant) -> Self:
        return cls(
            id=tenant.id, slug=tenant.slug, name=tenant.name, is_active=tenant.is_active, purge_at=tenant.purge_at
        )


class TenantPage(Body):
    items: list[TenantView]
    next_page_token: str | None


class TenantController(Controller):
    path = "/v1/admin/tenants"
    tags = ("Tenants",)

    @get("/", operation_id="list_tenants", asks="tenants.list")
    async def page(
        self, principal: Injected[Principal], gate: Injected[Door], store: Injected[Store], policy: Injected[Permits]
    ) -> TenantPage:
        """The plants you may know of: your own; for the owner of the node, all."""
        async with gate.admit(principal, "tenants.list", resource=Resource("tenant")):
            shown = await _visible(store, policy, principal)
        return TenantPage(items=[TenantView.of(tenant) for tenant in shown], next_page_token=None)

    @post("/", operation_id="create_tenant", asks="tenants.create")
    async def create(
        self,
        data: JSONBody[NewTenant],
        principal: Injected[Principal],
        gate: Injected[Door],
        tenants: Injected[Tenants],
        sign_in: Injected[SignIn],
    ) -> TenantView:
        """Make a plant with nobody in it; for the owner of the node."""
        request = data.model_dump_json().encode()
        async with gate.admit(principal, "tenants.create", resource=Resource("tenant"), request=request) as admitted:
            made = await tenants.create(admitted, data.slug, data.name)
        sign_in.forget()
        return TenantView.of(made)

    @get("/{tenant_id:uuid}", operation_id="get_tenant", asks="tenants.read")
    async def read(
        self,
        tenant_id: FromPath[UUID],
        principal: Injected[Principal],
        gate: Injected[Door],
        store: Injected[Store],
        policy: Injected[Permits],
    ) -> TenantView:
        """One plant."""
        async with gate.admit(principal, "tenants.read", resource=Resource("tenant", str(tenant_id))):
            for tenant in await _visible(store, policy, principal):
                if tenant.id == tenant_id:
                    return TenantView.of(tenant)
            raise NoTenant("No plant with this id is here, or it is not yours.")

    @patch("/{tenant_id:uuid}", operation_id="update_tenant", asks="tenants.update")
    async def update(
        self,
        tenant_id: FromPath[UUID],
        data: JSONBody[TenantChange],
        principal: Injected[Principal],
        gate: Injected[Door],
        tenants: Injected[Tenants],
        sign_in: Injected[SignIn],
    ) -> TenantView:
        """Rename a plant, switch it off or on again; for the owner of the node. Off, everything of it stays kept."""
        request, resource = data.model_dump_json().encode(), Resource("tenant", str(tenant_id), {"tenant": tenant_id})
        async with gate.admit(principal, "tenants.update", resource=resource, request=request) as admitted:
            changed = await tenants.update(admitted, tenant_id, name=data.name, is_active=data.is_active)
        sign_in.forget()
        return TenantView.of(changed)

    @delete("/{tenant_id:uuid}", operation_id="delete_tenant", asks="tenants.delete", status_code=202)
    async def delete(
        self,
        tenant_id: FromPath[UUID],
        principal: Injected[Principal],
        gate: Injected[Door],
        tenants: Injected[Tenants],
        sign_in: Injected[SignIn],
        confirm: Annotated[str, QueryParameter(description="The short name of the plant, typed.", max_length=63)] = "",
        now: Annotated[
            bool, QueryParameter(description="Erase it within a minute, without the days of grace.")
        ] = False,
    ) -> TenantView:
        """Switch a plant off at once, and erase it with all its data in 30 days; for the owner of the node.

        Switching it on again before then undoes it.
        """
        request = f"{tenant_id} {confirm} {now}".encode()
        resource = Resource("tenant", str(tenant_id), {"tenant": tenant_id})
        async with gate.admit(principal, "tenants.delete", resource=resource, request=request) as admitted:
            deleted = await tenants.delete(admitted, tenant_id, confirm=confirm, now=now)
        sign_in.forget()
        return TenantView.of(deleted)


async def _visible(store: Store, policy: Permits, principal: Principal) -> list[Tenant]:
    tenants = await store.tenants()
    resources = [Resource("tenant", str(tenant.id), {"tenant": tenant.id}) for tenant in tenants]
    answers = policy.permits(principal, "tenants.read", resources)
    return [tenant for tenant, allowed in zip(tenants, answers, strict=True) if allowed]


ROUTES = [TenantController]
