"""Answers that are kept to be given again: they repeat what somebody was told, and go when that person is erased."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, delete
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.idempotency.tables import IdempotencyKeyRow


async def forget(session: AsyncSession, person_id: UUID) -> int:
    """How many keys went, of the person alone and at kiosks."""
    mine = IdempotencyKeyRow.subject.endswith(str(person_id))
    return cast("CursorResult[Any]", await session.execute(delete(IdempotencyKeyRow).where(mine))).rowcount
