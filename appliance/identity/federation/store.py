"""Queries over identity providers, people from outside, and what works once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.identity.federation.tables import GrantRow, IdentityProviderRow, OutsidePersonRow, SpentRow, TicketRow
from appliance.identity.federation.values import Kind, Provider
from appliance.identity.tables import PersonRow, SessionRow
from appliance.store import TenantId

_COLUMNS: Final = frozenset({"id", "tenant_id", "kind", "issuer", "enabled", "has_secret", "changed_at"})


def provider_of(row: IdentityProviderRow) -> Provider:
    kept: dict[str, Any] = row.settings | {
        name: tuple(row.settings[name]) for name in ("directory_ids", "certificates")
    }
    return Provider(
        id=row.id,
        tenant_id=TenantId(row.tenant_id),
        kind=cast("Kind", row.kind),
        issuer=row.issuer,
        enabled=row.enabled,
        has_secret=row.sealed_secret is not None,
        changed_at=row.changed_at,
        **kept,
    )


async def providers(session: AsyncSession) -> list[Provider]:
    """Those of every tenant that are switched on."""
    rows = await session.scalars(select(IdentityProviderRow).filter_by(enabled=True))
    return [provider_of(row) for row in rows]


async def has_provider(session: AsyncSession, tenant_id: TenantId) -> bool:
    """Whether the tenant has one that is switched on."""
    query = select(IdentityProviderRow.id).filter_by(tenant_id=tenant_id, enabled=True)
    return await session.scalar(query.limit(1)) is not None


async def providers_of(session: AsyncSession, tenant_id: TenantId) -> list[Provider]:
    rows = await session.scalars(
        select(IdentityProviderRow).filter_by(tenant_id=tenant_id).order_by(IdentityProviderRow.kind)
    )
    return [provider_of(row) for row in rows]


async def provider_row(session: AsyncSession, tenant_id: TenantId, kind: Kind) -> IdentityProviderRow | None:
    """To be changed, so it is locked."""
    query = select(IdentityProviderRow).filter_by(tenant_id=tenant_id, kind=kind).with_for_update()
    return await session.scalar(query)


async def secret_of(session: AsyncSession, provider_id: UUID) -> bytes | None:
    """As it was sealed."""
    return await session.scalar(select(IdentityProviderRow.sealed_secret).filter_by(id=provider_id))


def write(row: IdentityProviderRow, provider: Provider, sealed_secret: bytes | None, now: dt.datetime) -> None:
    kept: dict[str, Any] = {name: value for name, value in asdict(provider).items() if name not in _COLUMNS}
    row.issuer, row.enabled = provider.issuer, provider.enabled
    row.settings = kept | {"directory_ids": list(provider.directory_ids), "certificates": list(provider.certificates)}
    row.sealed_secret, row.changed_at = sealed_secret, now


async def from_outside(session: AsyncSession, tenant_id: TenantId, external_id: str) -> OutsidePersonRow | None:
    """Locked: what the provider says now is about to be written down."""
    query = select(OutsidePersonRow).filter_by(tenant_id=tenant_id, external_id=external_id).with_for_update()
    return await session.scalar(query)


async def outside_of(session: AsyncSession, person_id: UUID) -> OutsidePersonRow | None:
    return await session.get(OutsidePersonRow, person_id)


async def known_outsider(
    session: AsyncSession, tenant_id: TenantId, external_id: str
) -> tuple[OutsidePersonRow, PersonRow] | None:
    query = select(OutsidePersonRow, PersonRow).join(PersonRow, PersonRow.id == OutsidePersonRow.person_id)
    same = (OutsidePersonRow.tenant_id == tenant_id, OutsidePersonRow.external_id == external_id)
    found = (await session.execute(query.where(*same))).one_or_none()
    return None if found is None else (found[0], found[1])


async def people_from(session: AsyncSession, tenant_id: TenantId, kind: Kind) -> Sequence[UUID]:
    query = select(OutsidePersonRow.person_id).filter_by(tenant_id=tenant_id, kind=kind)
    return (await session.scalars(query)).all()


async def grant_of(session: AsyncSession, session_id: UUID) -> tuple[GrantRow, str, str, TenantId] | None:
    """What a provider gave for a session that is open, its issuer, the person's id there, and the tenant."""
    query = (
        select(GrantRow, OutsidePersonRow)
        .join(SessionRow, SessionRow.id == GrantRow.session_id)
        .join(OutsidePersonRow, OutsidePersonRow.person_id == SessionRow.person_id)
        .where(GrantRow.session_id == session_id, SessionRow.ended_at.is_(None))
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return None
    grant, person = found
    return grant, person.issuer, person.external_id, TenantId(person.tenant_id)


async def spend(session: AsyncSession, hashed: str, until: dt.datetime, now: dt.datetime) -> bool:
    """Use something up; False if it was already. What nobody would take any more is forgotten."""
    await session.execute(delete(SpentRow).where(SpentRow.expires_at < now))
    try:
        async with session.begin_nested():
            session.add(SpentRow(hash=hashed, expires_at=until))
            await session.flush()
    except IntegrityError:
        return False
    return True


async def take_ticket(session: AsyncSession, hashed: str, now: dt.datetime) -> TicketRow | None:
    """Use up a ticket; None if it is unknown, used or too old."""
    row = await session.get(TicketRow, hashed)
    await session.execute(delete(TicketRow).where(TicketRow.expires_at < now, TicketRow.hash != hashed))
    if row is None:
        return None
    session.expunge(row)
    gone = await session.execute(delete(TicketRow).where(TicketRow.hash == hashed))
    if cast("CursorResult[object]", gone).rowcount != 1 or row.expires_at <= now:
        return None
    return row
