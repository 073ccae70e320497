"""Queries over API keys, each with the person who made it; None where that was the owner of the data directory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import cast
from uuid import UUID

from sqlalchemy import Select, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.identity import rules
from appliance.identity.duties import AUDITOR, from_json
from appliance.identity.tables import ApiKeyRow, PersonRow
from appliance.identity.values import ApiKey, Role
from appliance.store import TenantId

Found = tuple[ApiKeyRow, PersonRow | None]


def key_of(row: ApiKeyRow, maker: PersonRow | None) -> ApiKey:
    """The key as it is now, capped by what its maker is now."""
    role, clearance = cast("Role", row.role), row.clearance
    if maker is not None:
        role, clearance = rules.lower(role, cast("Role", maker.role)), min(clearance, maker.clearance)
    # What a key of an auditor reads, only an admin may.
    audits = row.auditor and (maker is None or maker.role == "admin")
    return ApiKey(
        id=row.id,
        tenant_id=TenantId(row.tenant_id),
        prefix=row.prefix,
        hash=row.hash,
        name=row.name,
        maker_id=row.maker_id,
        role=role,
        clearance=clearance,
        scopes=frozenset(row.scopes),
        duties=frozenset({AUDITOR} if audits else ()),
        maker_duties={} if maker is None else from_json(maker.duties),
        is_active=row.revoked_at is None and (maker is None or maker.is_active),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )


async def with_prefix(session: AsyncSession, prefix: str) -> Found | None:
    return await _one(session, _with_makers().where(ApiKeyRow.prefix == prefix))


async def to_change(session: AsyncSession, tenant_id: TenantId, key_id: UUID) -> Found | None:
    wanted = _with_makers().where(ApiKeyRow.tenant_id == tenant_id, ApiKeyRow.id == key_id)
    return await _one(session, wanted.with_for_update(of=ApiKeyRow))


async def after(session: AsyncSession, tenant_id: TenantId, prefix: str, limit: int) -> Sequence[Found]:
    wanted = _with_makers().where(ApiKeyRow.tenant_id == tenant_id, ApiKeyRow.prefix > prefix)
    found = await session.execute(wanted.order_by(ApiKeyRow.prefix).limit(limit))
    return [(one[0], one[1]) for one in found.all()]


async def used(session: AsyncSession, key_id: UUID, hour: dt.datetime) -> None:
    await session.execute(update(ApiKeyRow).where(ApiKeyRow.id == key_id).values(last_used_at=hour))


def _with_makers() -> Select[ApiKeyRow, PersonRow]:
    """The second of a pair is None where nobody made the key, whatever its type says."""
    return select(ApiKeyRow, PersonRow).outerjoin(PersonRow, PersonRow.id == ApiKeyRow.maker_id)


async def _one(session: AsyncSession, wanted: Select[ApiKeyRow, PersonRow]) -> Found | None:
    found = (await session.execute(wanted)).one_or_none()
    return None if found is None else (found[0], found[1])
