"""Keys in the file of the tenant, marks in the file of the rows that keyed work has changed.

No transaction spans two files, so what changes rows of the node leaves its mark in the node's file.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store import ControlBase, Json, TenantBase, UtcDateTime


class IdempotencyKeyRow(TenantBase):
    """One key of one person. `owner` is the process that works on it; empty once that is over.

    `done` is set in the transaction of the work itself; `status` when there is an answer.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (UniqueConstraint("tenant_id", "subject", "key", name="uq_idempotency_keys"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(80))
    key: Mapped[str] = mapped_column(String(255))
    route: Mapped[str] = mapped_column(String(300))
    owner: Mapped[str] = mapped_column(String(36))
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)
    done: Mapped[dict[str, Any] | None] = mapped_column(Json)
    body_hash: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[int | None]
    headers: Mapped[dict[str, Any] | None] = mapped_column(Json)
    body: Mapped[bytes | None] = mapped_column(LargeBinary)


class IdempotencyMarkRow(ControlBase):
    """Work with the key `id` has changed rows of the node."""

    __tablename__ = "idempotency_marks"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    done: Mapped[dict[str, Any]] = mapped_column(Json)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime, index=True)
