"""Queries of teams; each says whose rows it means."""

from __future__ import annotations

import uuid
from typing import cast

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.store.admission import TeamRole
from appliance.teams.tables import MembershipRow, TeamRow
from appliance.teams.values import Member, Team

ALONE = text("SELECT pg_advisory_xact_lock(hashtext('teams'), hashtext(current_setting('app.tenant_id')))")
TOGETHER = text("SELECT pg_advisory_xact_lock_shared(hashtext('teams'), hashtext(current_setting('app.tenant_id')))")


async def teams_after(session: AsyncSession, tenant: uuid.UUID, slug: str, limit: int) -> list[TeamRow]:
    """Teams of the tenant in the order of their short names, from the one that follows `slug`."""
    query = select(TeamRow).where(TeamRow.tenant_id == tenant, TeamRow.slug > slug)
    return list(await session.scalars(query.order_by(TeamRow.slug).limit(limit)))


async def team(
    session: AsyncSession, tenant: uuid.UUID, team_id: uuid.UUID, *, to_change: bool = False
) -> TeamRow | None:
    query = select(TeamRow).where(TeamRow.tenant_id == tenant, TeamRow.id == team_id)
    return await session.scalar(query.with_for_update() if to_change else query)


async def take_turn(session: AsyncSession, *, alone: bool) -> None:
    """Until the tenant's transaction ends nobody else removes a team of the tenant; if `alone`, nothing is given to one either.

    For a session that writes: SQLite's writers stand in line anyway.
    """
    connection = await session.connection()
    if connection.dialect.name == "postgresql":
        await session.execute(ALONE if alone else TOGETHER)


async def has_slug(session: AsyncSession, tenant: uuid.UUID, slug: str) -> bool:
    query = select(TeamRow.id).where(TeamRow.tenant_id == tenant, TeamRow.slug == slug)
    return await session.scalar(query) is not None


async def members(session: AsyncSession, team_id: uuid.UUID) -> list[MembershipRow]:
    query = select(MembershipRow).where(MembershipRow.team_id == team_id)
    return list(await session.scalars(query.order_by(MembershipRow.joined_at, MembershipRow.user_id)))


async def remove_members(session: AsyncSession, team_id: uuid.UUID) -> None:
    await session.execute(delete(MembershipRow).where(MembershipRow.team_id == team_id))


async def teams_of(session: AsyncSession, person_id: uuid.UUID) -> frozenset[tuple[str, TeamRole]]:
    query = select(MembershipRow.team_id, MembershipRow.team_role).where(MembershipRow.user_id == person_id)
    return frozenset((str(found), cast("TeamRole", role)) for found, role in await session.execute(query))


def team_of(row: TeamRow) -> Team:
    return Team(row.id, row.name, row.slug, row.created_at, dict(row.config))


def member_of(row: MembershipRow) -> Member:
    return Member(row.user_id, cast("TeamRole", row.team_role), row.joined_at)
