"""Queries of conversations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.chat.receipt_rules import Kept, Part
from appliance.chat.tables import Conversation, Feedback, Message, Said
from appliance.store import new_id

TITLE_CHARACTERS = 80


async def find(session: AsyncSession, conversation_id: UUID) -> Conversation | None:
    """A conversation of anybody's, unless it was deleted; the policy says who may have it."""
    query = select(Conversation).where(Conversation.id == conversation_id, Conversation.deleted_at.is_(None))
    return (await session.scalars(query)).one_or_none()


async def recent(
    session: AsyncSession,
    owner_id: UUID,
    teams: Collection[str],
    *,
    words: str | None,
    limit: int,
    before: tuple[dt.datetime, UUID] | None,
) -> list[Conversation]:
    """Those that the owner began and those of the teams, whose titles have all of `words`; newest first; `before` is the position of the last one already seen."""
    query = select(Conversation).where(
        or_(Conversation.owner_id == owner_id, Conversation.owner_team_id.in_(teams)), Conversation.deleted_at.is_(None)
    )
    for word in (words or "").split():
        # SQLite knows the cases of ASCII letters alone; what is written as in the title is found by both.
        lowered = func.lower(Conversation.title).contains(word.lower(), autoescape=True)
        query = query.where(or_(lowered, Conversation.title.contains(word, autoescape=True)))
    if before is not None:
        at, last = before
        older = Conversation.updated_at < at
        query = query.where(or_(older, and_(Conversation.updated_at == at, Conversation.id < last)))
    query = query.order_by(Conversation.updated_at.desc(), Conversation.id.desc()).limit(limit)
    return list(await session.scalars(query))


async def of_team(session: AsyncSession, team: str) -> bool:
    """Whether a conversation that was not deleted belongs to the team."""
    query = (
        select(Conversation.id).where(Conversation.owner_team_id == team, Conversation.deleted_at.is_(None)).limit(1)
    )
    return await session.scalar(query) is not None


async def latest_messages(session: AsyncSession, conversation_id: UUID, *, limit: int) -> list[Message]:
    """The newest `limit` messages, in the order they were said."""
    query = select(Message).where(Message.conversation_id == conversation_id).order_by(Message.seq.desc()).limit(limit)
    return list(await session.scalars(query))[::-1]


def start(
    session: AsyncSession, owner_id: UUID, title: str, now: dt.datetime, *, team: UUID | None = None
) -> Conversation:
    conversation = Conversation(
        id=new_id(), owner_id=owner_id, owner_team_id=None if team is None else str(team), title=title[:TITLE_CHARACTERS],
        created_at=now, updated_at=now, deleted_at=None,
    )  # fmt: skip
    session.add(conversation)
    return conversation


async def say(
    session: AsyncSession,
    conversation: Conversation | None,
    *,
    author_id: UUID,
    role: str,
    content: str,
    details: dict[str, Any],
    now: dt.datetime,
    id: UUID,
    warnings: Sequence[dict[str, Any]] = (),
) -> None:
    """Append a message; without a conversation it stands alone (a kiosk's answer, kept for its rating)."""
    seq = 1
    if conversation is not None:
        query = select(func.coalesce(func.max(Message.seq), 0)).where(Message.conversation_id == conversation.id)
        seq = (await session.scalar(query) or 0) + 1
        conversation.updated_at = now
    session.add(
        Message(
            id=id,
            conversation_id=conversation.id if conversation else None,
            seq=seq,
            author_id=author_id,
            role=role,
            content=content,
            details=details,
            warnings=list(warnings),
            created_at=now,
        )
    )
    await session.flush()


async def own_answer(session: AsyncSession, message_id: UUID, author_id: UUID) -> Message | None:
    """The answer that was given to this very person or kiosk."""
    query = select(Message).where(Message.id == message_id, Message.author_id == author_id, Message.role == "assistant")
    return (await session.scalars(query)).one_or_none()


async def keep_said(session: AsyncSession, message_id: UUID, kept: Kept, now: dt.datetime) -> None:
    """Keep one part of what an answer said; a later one of the same part replaces it, and two at once take turns."""
    await session.execute(select(Message.id).where(Message.id == message_id).with_for_update())
    query = select(Said).where(Said.message_id == message_id, Said.part == kept.part)
    row = (await session.scalars(query)).one_or_none()
    if row is None:
        row = Said(id=new_id(), message_id=message_id, part=kept.part)
        session.add(row)
    row.correlation_id, row.salt, row.said, row.created_at = kept.correlation_id, kept.salt, kept.said, now
    await session.flush()


async def said(session: AsyncSession, message_id: UUID) -> list[Kept]:
    """What an answer said, in parts."""
    query = select(Said).where(Said.message_id == message_id)
    return [
        Kept(cast("Part", row.part), row.correlation_id, row.salt, row.said) for row in await session.scalars(query)
    ]


async def feedback_of(session: AsyncSession, message_id: UUID, author_id: UUID) -> Feedback | None:
    query = select(Feedback).where(Feedback.message_id == message_id, Feedback.author_id == author_id)
    return (await session.scalars(query)).one_or_none()
