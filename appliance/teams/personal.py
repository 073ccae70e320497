"""Which teams somebody is in: shown to them, and forgotten when they are erased."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.teams.tables import MembershipRow, TeamRow


async def kept(session: AsyncSession, person_id: UUID, _after: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """The teams of a person."""
    query = select(TeamRow.name, MembershipRow.team_role, MembershipRow.joined_at).join(
        MembershipRow, MembershipRow.team_id == TeamRow.id
    )
    rows = await session.execute(query.where(MembershipRow.user_id == person_id))
    return [{"name": name, "team_role": role, "joined_at": at} for name, role, at in rows], None


async def forget(session: AsyncSession, person_id: UUID) -> int:
    """How many memberships went."""
    statement = delete(MembershipRow).where(MembershipRow.user_id == person_id)
    return cast("CursorResult[Any]", await session.execute(statement)).rowcount
