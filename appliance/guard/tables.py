"""What a plant has set for the guard, and what the guard found there."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import Float, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store import Json, TenantBase, UtcDateTime


class GuardSettingRow(TenantBase):
    """One setting by its name; what is not here is as the release has it."""

    __tablename__ = "guard_settings"

    __table_args__ = (UniqueConstraint("tenant_id", "name", name="uq_guard_settings"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32))
    value: Mapped[dict[str, Any]] = mapped_column(Json)
    changed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class ViolationRow(TenantBase):
    """What the guard found and did: one row for a person, kind, place, act, document and hour, with how often. No text of anybody.

    `slot` names these, so that a repetition is counted; with `user_id` it goes when the person is erased.
    """

    __tablename__ = "guard_violations"

    __table_args__ = (
        UniqueConstraint("tenant_id", "slot", name="uq_guard_violations"),
        Index("ix_guard_violations_at", "at", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    slot: Mapped[str] = mapped_column(String(160))
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    last_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    times: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(16))
    place: Mapped[str] = mapped_column(String(16))
    act: Mapped[str] = mapped_column(String(16))
    severity: Mapped[str] = mapped_column(String(8))
    rules: Mapped[list[str]] = mapped_column(Json)
    score: Mapped[float] = mapped_column(Float)
    user_id: Mapped[uuid.UUID | None]
    document_id: Mapped[uuid.UUID | None]
    conversation_id: Mapped[uuid.UUID | None]
    message_id: Mapped[uuid.UUID | None]
