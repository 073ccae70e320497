"""Queries over packs and switches, of one tenant each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.packs.tables import PackRow, SwitchRow
from appliance.packs.values import Switch, What
from appliance.store import TenantId


async def in_force(session: AsyncSession) -> dict[TenantId, str | None]:
    """The version in force of every tenant that ever switched."""
    newest = select(SwitchRow.tenant_id, func.max(SwitchRow.generation).label("generation")).group_by(
        SwitchRow.tenant_id
    )
    last = newest.subquery()
    query = select(SwitchRow.tenant_id, SwitchRow.version).join(
        last, (SwitchRow.tenant_id == last.c.tenant_id) & (SwitchRow.generation == last.c.generation)
    )
    return {TenantId(tenant): version for tenant, version in (await session.execute(query)).all()}


async def switches(session: AsyncSession, tenant_id: UUID, limit: int) -> list[Switch]:
    """The newest first."""
    query = select(SwitchRow).filter_by(tenant_id=tenant_id).order_by(SwitchRow.generation.desc()).limit(limit)
    return [
        Switch(row.generation, row.version, cast("What", row.what), row.by, row.at)
        for row in await session.scalars(query)
    ]


async def packs(session: AsyncSession, tenant_id: UUID) -> Sequence[PackRow]:
    """The newest first."""
    query = select(PackRow).filter_by(tenant_id=tenant_id).order_by(PackRow.staged_at.desc(), PackRow.version)
    return (await session.scalars(query)).all()


async def texts(session: AsyncSession, tenant_id: UUID, version: str) -> Mapping[str, str] | None:
    row = await session.get(PackRow, (tenant_id, version))
    return None if row is None else row.texts
