"""What the guard found in what somebody wrote: shown to them, and forgotten when they are erased."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.guard.tables import ViolationRow


async def kept(session: AsyncSession, person_id: UUID, _after: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """What was found, without any text."""
    rows = await session.scalars(
        select(ViolationRow).where(ViolationRow.user_id == person_id).order_by(ViolationRow.id)
    )
    return [
        {"at": row.at, "times": row.times, "kind": row.kind, "place": row.place, "act": row.act, "rules": row.rules}
        for row in rows
    ], None  # fmt: skip


async def forget(session: AsyncSession, person_id: UUID) -> int:
    """How many rows went."""
    statement = delete(ViolationRow).where(ViolationRow.user_id == person_id)
    return cast("CursorResult[Any]", await session.execute(statement)).rowcount
