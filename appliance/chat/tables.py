"""Conversations, their messages, and what people thought of the answers."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store import Json, TenantBase, UtcDateTime


class Conversation(TenantBase):
    """A person's thread of questions, or a team's. Deleting hides it (`deleted_at`); retention decides when it goes."""

    __tablename__ = "conversations"
    __table_args__ = (Index("ix_conversations_team", "owner_team_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(index=True)
    owner_team_id: Mapped[str | None] = mapped_column(String(36))
    title: Mapped[str] = mapped_column(String(512))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    deleted_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class Message(TenantBase):
    """One question or answer. A kiosk's question is never kept: its answer stands alone, without a conversation."""

    __tablename__ = "messages"
    __table_args__ = (Index("ix_messages_conversation", "conversation_id", "seq"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    conversation_id: Mapped[UUID | None] = mapped_column(ForeignKey("conversations.id"))
    seq: Mapped[int] = mapped_column()
    author_id: Mapped[UUID] = mapped_column()
    role: Mapped[str] = mapped_column(String(16))
    content: Mapped[str] = mapped_column(Text)
    details: Mapped[dict[str, Any]] = mapped_column(Json)
    warnings: Mapped[list[Any]] = mapped_column(Json, server_default="[]")
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class Said(TenantBase):
    """What an answer said, as its receipt will say it: the quotes, and the words where it was put into some."""

    __tablename__ = "answer_receipts"
    __table_args__ = (UniqueConstraint("message_id", "part", name="uq_answer_receipts"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id"))
    part: Mapped[str] = mapped_column(String(8))
    correlation_id: Mapped[UUID] = mapped_column()
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    said: Mapped[str] = mapped_column(Text)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class Feedback(TenantBase):
    """Thumbs up or down on an answer, once per person or kiosk and answer; the last word counts."""

    __tablename__ = "feedback"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    message_id: Mapped[UUID] = mapped_column(ForeignKey("messages.id"), index=True)
    author_id: Mapped[UUID] = mapped_column()
    thumbs: Mapped[str] = mapped_column(String(4))
    rating: Mapped[int | None] = mapped_column()
    comment: Mapped[str | None] = mapped_column(String(2000))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
