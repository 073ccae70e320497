"""Notices of a plant, who has read them, and those of the node that are on their way to a plant."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store import ControlBase, Json, TenantBase, UtcDateTime


class NoticeRow(TenantBase):
    """`slot` names what is said once only; `spread` is false until webhooks and mail have their copy."""

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("tenant_id", "slot", name="uq_notices"),
        Index("ix_notices_at", "at", "id"),
        Index("ix_notices_spread", "spread"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    slot: Mapped[str] = mapped_column(String(160))
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(String(32))
    audience: Mapped[str | None] = mapped_column(String(64))
    person: Mapped[str | None] = mapped_column(String(40))
    author: Mapped[str | None] = mapped_column(String(40))
    params: Mapped[dict[str, Any]] = mapped_column(Json)
    spread: Mapped[bool]


class NoticeReadRow(TenantBase):
    __tablename__ = "notice_reads"

    notice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("notices.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)


class NodeNoticeRow(ControlBase):
    """Written beside rows of the node; moved to the plant's own by the worker."""

    __tablename__ = "node_notices"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenants.id"))
    slot: Mapped[str] = mapped_column(String(160))
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(String(32))
    audience: Mapped[str | None] = mapped_column(String(64))
    person: Mapped[str | None] = mapped_column(String(40))
    author: Mapped[str | None] = mapped_column(String(40))
    params: Mapped[dict[str, Any]] = mapped_column(Json)
