"""Jobs of somebody: shown to them, and forgotten when they are erased. What still runs ends first, and is forgotten in its time."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.jobs.tables import JobEventRow, JobRow
from appliance.jobs.values import OPEN


async def kept(session: AsyncSession, person_id: UUID, _after: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """The jobs that the person asked for."""
    rows = await session.scalars(select(JobRow).where(JobRow.owner_id == person_id).order_by(JobRow.id))
    return [{"id": row.id, "kind": row.kind, "state": row.state, "created_at": row.created_at} for row in rows], None


async def forget(session: AsyncSession, person_id: UUID) -> int:
    """How many jobs went."""
    ended = select(JobRow.id).where(JobRow.owner_id == person_id, JobRow.state.not_in(OPEN))
    options = {"synchronize_session": False}
    await session.execute(delete(JobEventRow).where(JobEventRow.job_id.in_(ended)), execution_options=options)
    done = await session.execute(delete(JobRow).where(JobRow.id.in_(ended)), execution_options=options)
    return cast("CursorResult[Any]", done).rowcount
