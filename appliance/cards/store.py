"""Queries of cards."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.cards.tables import CardRow

MANY = 500
"""Values in one IN."""


async def bound_to(session: AsyncSession, bound: str, *, limit: int) -> list[CardRow]:
    """Cards with words that were made from exactly this, newest first."""
    query = select(CardRow).where(CardRow.bound == bound, CardRow.text != "")
    return list(await session.scalars(query.order_by(CardRow.made_at.desc(), CardRow.id.desc()).limit(limit)))


async def with_words(session: AsyncSession, *, limit: int) -> list[CardRow]:
    """Newest first."""
    query = select(CardRow).where(CardRow.text != "").order_by(CardRow.made_at.desc(), CardRow.id.desc())
    return list(await session.scalars(query.limit(limit)))


async def tried(session: AsyncSession, model: str) -> set[tuple[int, str]]:
    """Passage and question of all that need not be put to `model`: what has words, and what this model had none for."""
    query = select(CardRow.passage_id, CardRow.question_key).where((CardRow.text != "") | (CardRow.model == model))
    return {(passage_id, key) for passage_id, key in await session.execute(query)}


async def stood_on(session: AsyncSession) -> dict[UUID, list[int]]:
    """What each card stands on."""
    return {row.id: row.stands_on for row in await session.execute(select(CardRow.id, CardRow.stands_on))}


async def drop(session: AsyncSession, card_ids: Sequence[UUID]) -> None:
    for at in range(0, len(card_ids), MANY):
        gone = CardRow.id.in_(card_ids[at : at + MANY])
        await session.execute(delete(CardRow).where(gone).execution_options(synchronize_session=False))


async def drop_tries(session: AsyncSession, keys: Collection[tuple[int, str]]) -> None:
    """Forget that these questions had no answer; they have been put anew."""
    for passage_id, key in keys:
        gone = (CardRow.passage_id == passage_id) & (CardRow.question_key == key) & (CardRow.text == "")
        await session.execute(delete(CardRow).where(gone).execution_options(synchronize_session=False))


async def counted(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(CardRow).where(CardRow.text != "")) or 0
