"""The queries of the vault; each says whose rows it means."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.vault.tables import SecretRow


async def versions(
    session: AsyncSession, tenant: uuid.UUID, name: str | None = None, *, to_change: bool = False
) -> list[SecretRow]:
    """By name, the newest version first; locked where they are to be changed."""
    query = select(SecretRow).where(SecretRow.tenant_id == tenant).order_by(SecretRow.name, SecretRow.version.desc())
    if name is not None:
        query = query.where(SecretRow.name == name)
    if to_change:
        query = query.with_for_update()
    return list(await session.scalars(query))


async def newest(session: AsyncSession) -> list[SecretRow]:
    """The version in force of every secret of every tenant."""
    last = select(SecretRow.tenant_id, SecretRow.name, func.max(SecretRow.version)).group_by(
        SecretRow.tenant_id, SecretRow.name
    )
    query = select(SecretRow).where(tuple_(SecretRow.tenant_id, SecretRow.name, SecretRow.version).in_(last))
    return list(await session.scalars(query))


async def kept_before(session: AsyncSession, moment: dt.datetime) -> list[str]:
    """Names of which the newest version, and so every one, is older."""
    newest = func.max(SecretRow.created_at)
    query = select(SecretRow.name).group_by(SecretRow.tenant_id, SecretRow.name).having(newest < moment)
    return sorted(set(await session.scalars(query)))


async def note_use(session: AsyncSession, version: uuid.UUID, at: dt.datetime) -> None:
    await session.execute(update(SecretRow).where(SecretRow.id == version).values(last_used=at))
