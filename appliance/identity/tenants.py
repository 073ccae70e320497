"""Tenants as the owner of the node keeps them. One is made whole or not at all, and switched off before it is forgotten."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from appliance.errors import Conflict
from appliance.identity.errors import NoTenant
from appliance.store import Admitted, Store, Tenant, TenantId
from appliance.store.errors import InvalidTenant
from appliance.store.tables import TenantRow


class LastTenant(Conflict):
    """One plant stays on: nobody could act on a node without one, nor switch another on again."""

    code, title = "last-tenant", "This is the last plant that is on"
    hint = "Switch another one on first."


class Tenants:
    """Makes and changes tenants of this node."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, admitted: Admitted, slug: str, name: str) -> Tenant:
        """Make a tenant with keys and empty tables, and nobody in it. Raises InvalidTenant, TenantExists."""
        made = await self._store.create_tenant(slug, name.strip())
        admitted.outcome.resource_id = str(made.id)
        admitted.outcome.metadata |= {"slug": made.slug}
        return made

    async def update(
        self, admitted: Admitted, tenant_id: UUID, *, name: str | None = None, is_active: bool | None = None
    ) -> Tenant:
        """Change what is given.

        Raises:
            NoTenant: there is none with this id.
            InvalidTenant: the name is empty.
            LastTenant: no other is on.
        """
        async with self._store.open_control(admitted, write=True) as session:
            # All of them, in one order: two who switch off the last two at once wait for each other.
            rows = (await session.scalars(select(TenantRow).order_by(TenantRow.id).with_for_update())).all()
            row = next((one for one in rows if one.id == tenant_id), None)
            if row is None:
                raise NoTenant("No plant with this id is here.")
            if is_active is False and not any(one.is_active for one in rows if one.id != tenant_id):
                raise LastTenant("No other plant of this node is on.")
            if name is not None:
                if not name.strip():
                    raise InvalidTenant("A tenant's name has 1 to 200 characters.", hint="Give it a name people know.")
                row.name = name.strip()
            before = row.is_active
            if is_active is not None:
                row.is_active = is_active
            admitted.outcome.metadata |= {
                "slug": row.slug,
                "before": {"is_active": before},
                "after": {"is_active": row.is_active},
            }
            return Tenant(TenantId(row.id), row.slug, row.name, row.is_active, row.config)
