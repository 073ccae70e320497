"""Where somebody wants mail: shown to them, and forgotten when they are erased."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, delete
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.notices.tables import MailChoiceRow


async def kept(session: AsyncSession, person_id: UUID, _after: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """The address, and the kinds of news."""
    row = await session.get(MailChoiceRow, person_id)
    return ([] if row is None else [{"address": row.address, "kinds": row.kinds}]), None


async def forget(session: AsyncSession, person_id: UUID) -> int:
    """How many rows went."""
    statement = delete(MailChoiceRow).where(MailChoiceRow.person_id == person_id)
    return cast("CursorResult[Any]", await session.execute(statement)).rowcount
