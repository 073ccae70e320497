"""The rows of keys and marks, by what is asked of them."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.idempotency.tables import IdempotencyKeyRow, IdempotencyMarkRow

_INSERT: Final[dict[str, Any]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


def _insert(session: AsyncSession, row: type[Any]) -> Any:
    return _INSERT[session.get_bind().dialect.name](row)


async def claim(session: AsyncSession, values: dict[str, Any]) -> bool:
    """Write a key that is not there yet; False if it is. Of two at once the second waits for the first."""
    new = _insert(session, IdempotencyKeyRow).values(values).on_conflict_do_nothing().returning(IdempotencyKeyRow.id)
    return await session.scalar(new) is not None


async def of_key(session: AsyncSession, subject: str, key: str) -> IdempotencyKeyRow | None:
    mine = select(IdempotencyKeyRow).where(IdempotencyKeyRow.subject == subject, IdempotencyKeyRow.key == key)
    return await session.scalar(mine.with_for_update())


async def take_over(session: AsyncSession, row_id: UUID, *, was: str, **values: Any) -> bool:
    """Change a key whose owner is still `was`; False if somebody was quicker."""
    mine = (IdempotencyKeyRow.id == row_id) & (IdempotencyKeyRow.owner == was)
    done = update(IdempotencyKeyRow).where(mine).values(**values).returning(IdempotencyKeyRow.id)
    return await session.scalar(done) is not None


async def release(session: AsyncSession, row_id: UUID) -> None:
    await session.execute(delete(IdempotencyKeyRow).where(IdempotencyKeyRow.id == row_id))


async def forget_expired(session: AsyncSession, now: dt.datetime) -> None:
    await session.execute(delete(IdempotencyKeyRow).where(IdempotencyKeyRow.expires_at <= now))


async def mark_key(session: AsyncSession, row_id: UUID, done: dict[str, Any]) -> None:
    mine = (IdempotencyKeyRow.id == row_id) & (IdempotencyKeyRow.done.is_(None))
    await session.execute(update(IdempotencyKeyRow).where(mine).values(done=done))


async def mark_control(
    session: AsyncSession, row_id: UUID, done: dict[str, Any], now: dt.datetime, until: dt.datetime
) -> None:
    await session.execute(delete(IdempotencyMarkRow).where(IdempotencyMarkRow.expires_at <= now))
    values = {"id": row_id, "done": done, "expires_at": until}
    await session.execute(_insert(session, IdempotencyMarkRow).values(values).on_conflict_do_nothing())


async def mark_of(session: AsyncSession, row_id: UUID) -> dict[str, Any] | None:
    found: dict[str, Any] | None = await session.scalar(
        select(IdempotencyMarkRow.done).where(IdempotencyMarkRow.id == row_id)
    )
    return found
