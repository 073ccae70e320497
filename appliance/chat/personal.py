"""What somebody asked, was answered and thought of it: shown to them, and forgotten when they are erased.

A conversation of their own goes whole. In a team's they leave their own questions and the answers to these behind, no more:
what others said stays, under a title without words.
"""

from __future__ import annotations

from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import CursorResult, delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.chat.tables import Conversation, Feedback, Message, Said

PAGE: Final = 200
UNTITLED: Final = "…"
Page = tuple[list[dict[str, Any]], str | None]


async def conversations(session: AsyncSession, person_id: UUID, after: str | None) -> Page:
    """What they began, hidden ones too."""
    query = select(Conversation).where(Conversation.owner_id == person_id)
    if after is not None:
        query = query.where(Conversation.id > UUID(after))
    rows = (await session.scalars(query.order_by(Conversation.id).limit(PAGE))).all()
    shown = [
        {"id": row.id, "title": row.title, "team_id": row.owner_team_id, "created_at": row.created_at, "deleted_at": row.deleted_at}
        for row in rows
    ]  # fmt: skip
    return shown, str(rows[-1].id) if len(rows) == PAGE else None


async def messages(session: AsyncSession, person_id: UUID, after: str | None) -> Page:
    """What they asked and what they were answered."""
    query = select(Message).where(Message.author_id == person_id)
    if after is not None:
        query = query.where(Message.id > UUID(after))
    rows = (await session.scalars(query.order_by(Message.id).limit(PAGE))).all()
    shown = [
        {"id": row.id, "conversation_id": row.conversation_id, "role": row.role, "content": row.content, "created_at": row.created_at}
        for row in rows
    ]  # fmt: skip
    return shown, str(rows[-1].id) if len(rows) == PAGE else None


async def feedback(session: AsyncSession, person_id: UUID, _after: str | None) -> Page:
    """What they thought of answers."""
    rows = await session.scalars(select(Feedback).where(Feedback.author_id == person_id))
    return [
        {"message_id": row.message_id, "thumbs": row.thumbs, "rating": row.rating, "comment": row.comment, "created_at": row.created_at}
        for row in rows
    ], None  # fmt: skip


async def forget(session: AsyncSession, person_id: UUID) -> int:
    """How many rows went or lost their words."""
    said = select(Message.id).where(Message.author_id == person_id)
    others = exists().where(Message.conversation_id == Conversation.id)
    gone = 0
    for statement in (
        delete(Feedback).where((Feedback.author_id == person_id) | Feedback.message_id.in_(said)),
        delete(Said).where(Said.message_id.in_(said)),
        delete(Message).where(Message.author_id == person_id),
        delete(Conversation).where(Conversation.owner_id == person_id, ~others),
        update(Conversation)
        .where(Conversation.owner_id == person_id, Conversation.title != UNTITLED)
        .values(title=UNTITLED),
    ):
        # What this session holds of them is of no use any more.
        done = await session.execute(statement.execution_options(synchronize_session=False))
        gone += cast("CursorResult[Any]", done).rowcount
    return gone
