"""Holds of a plant; one that was released stays, as evidence."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store import TenantBase, UtcDateTime


class HoldRow(TenantBase):
    """What it names is whatever fits all that is set; one in which nothing is set names everything."""

    __tablename__ = "holds"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(String(500))
    since: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    user_id: Mapped[uuid.UUID | None]
    document_id: Mapped[uuid.UUID | None]
    correlation_id: Mapped[uuid.UUID | None]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[uuid.UUID]
    released_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    released_by: Mapped[uuid.UUID | None]
    release_reason: Mapped[str | None] = mapped_column(String(500))
