"""Tenants as the owner of the node keeps them. One is made whole or not at all, and switched off before it is erased.

on <──────── update ────────> off
 └─ delete ─> off, with a day ─ the day ─> being erased ─> erased: its log is left     `appliance/upkeep/purging.py`
                    └─ update(on) ─> on, no day
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.errors import Conflict, InvalidInput
from appliance.identity.errors import NoTenant
from appliance.identity.values import Clock, utc_now
from appliance.store import Admitted, Store, Tenant, tenant_from
from appliance.store.errors import InvalidTenant
from appliance.store.tables import TenantRow


class LastTenant(Conflict):
    """One plant stays on: nobody could act on a node without one, nor switch another on again."""

    code, title = "last-tenant", "This is the last plant that is on"
    hint = "Switch another one on first."


class NotConfirmed(InvalidInput):
    """What cannot be taken back is confirmed with the short name of what it is about."""

    code, title = "not-confirmed", "That is not the short name of this plant"
    hint = "Type the short name of the plant that is to be deleted, as it is typed at sign-in."


GRACE: Final = dt.timedelta(days=30)
"""From deleting a plant until it is erased: a mistake is noticed at the latest by whoever closes the month there."""


class Tenants:
    """Makes, changes and deletes tenants of this node."""

    def __init__(self, store: Store, *, clock: Clock = utc_now) -> None:
        self._store = store
        self._clock = clock

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
            rows = await _all_of_them(session)
            row = _the_one(rows, tenant_id)
            if is_active is False:
                _refuse_last(rows, tenant_id)
            if name is not None:
                if not name.strip():
                    raise InvalidTenant("A tenant's name has 1 to 200 characters.", hint="Give it a name people know.")
                row.name = name.strip()
            before = row.is_active
            if is_active is not None:
                row.is_active = is_active
            if is_active:
                row.purge_at = None
            admitted.outcome.metadata |= {
                "slug": row.slug,
                "before": {"is_active": before},
                "after": {"is_active": row.is_active},
            }
            return tenant_from(row)

    async def delete(self, admitted: Admitted, tenant_id: UUID, *, confirm: str, now: bool = False) -> Tenant:
        """Switch a tenant off and set the day on which it is erased; switching it on again before is to undo it.

        Args:
            confirm: its short name.
            now: to be erased as soon as a worker looks. A day that is set already is not put off.

        Raises:
            NoTenant: there is none with this id, or it is being erased.
            NotConfirmed: the short name is another's.
            LastTenant: no other is on.
        """
        async with self._store.open_control(admitted, write=True) as session:
            rows = await _all_of_them(session)
            row = _the_one(rows, tenant_id)
            if confirm != row.slug:
                raise NotConfirmed("The short name that was typed is not that of the plant.")
            _refuse_last(rows, tenant_id)
            wanted = self._clock() + (dt.timedelta(0) if now else GRACE)
            row.is_active, row.purge_at = False, min(row.purge_at or wanted, wanted)
            admitted.outcome.metadata |= {"slug": row.slug, "purge_at": row.purge_at.isoformat()}
            return tenant_from(row)


async def _all_of_them(session: AsyncSession) -> Sequence[TenantRow]:
    """In one order and locked: two who switch off the last two at once wait for each other."""
    here = select(TenantRow).where(TenantRow.purge_begun_at.is_(None))
    return (await session.scalars(here.order_by(TenantRow.id).with_for_update())).all()


def _the_one(rows: Sequence[TenantRow], tenant_id: UUID) -> TenantRow:
    for row in rows:
        if row.id == tenant_id:
            return row
    raise NoTenant("No plant with this id is here.")


def _refuse_last(rows: Sequence[TenantRow], tenant_id: UUID) -> None:
    if not any(one.is_active for one in rows if one.id != tenant_id):
        raise LastTenant("No other plant of this node is on.")
