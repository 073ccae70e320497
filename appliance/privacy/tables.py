"""What people asked for about what is kept of them. An erasure that is done stays, with nothing of the person but the id."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store import TenantBase, UtcDateTime


class RequestRow(TenantBase):
    """`kind` is access or erasure; `state` is asked, refused, running or done. `why` is the admin's reason to refuse."""

    __tablename__ = "gdpr_requests"
    __table_args__ = (Index("ix_gdpr_requests_person", "person_id", "kind"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    person_id: Mapped[uuid.UUID]
    asked_by: Mapped[uuid.UUID]
    asked_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(8))
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    why: Mapped[str | None] = mapped_column(String(500))
    job_id: Mapped[uuid.UUID | None]
    done_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
