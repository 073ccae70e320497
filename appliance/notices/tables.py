"""Webhooks of a plant, and what is on its way to them. Their secrets lie in the vault."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store import Json, TenantBase, UtcDateTime


class WebhookRow(TenantBase):
    """`held_by` is the job that sends now, until `held_until`; nothing is sent before `next_at`; `numbered` counts deliveries."""

    __tablename__ = "webhooks"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    url: Mapped[str] = mapped_column(String(300))
    kinds: Mapped[list[str]] = mapped_column(Json)
    enabled: Mapped[bool]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    numbered: Mapped[int]
    failures: Mapped[int]
    next_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    held_by: Mapped[uuid.UUID | None]
    held_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    last_sent_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    problem: Mapped[str | None] = mapped_column(String(32))


class DeliveryRow(TenantBase):
    """`body` is what is signed and sent, each time the same bytes; `seq` is the order within the webhook."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("webhook_id", "seq", name="uq_webhook_deliveries"),
        Index("ix_webhook_deliveries_state", "webhook_id", "state", "seq"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    webhook_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    seq: Mapped[int]
    kind: Mapped[str] = mapped_column(String(32))
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(8))
    tries: Mapped[int]
    status: Mapped[int | None]
    reason: Mapped[str | None] = mapped_column(String(32))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class MailChoiceRow(TenantBase):
    """Where a person wants mail of which kinds of news; gone with the last of them."""

    __tablename__ = "mail_choices"

    person_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(String(254))
    kinds: Mapped[list[str]] = mapped_column(Json)
