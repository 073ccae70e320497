"""Jobs and what happened to them, in the file of the tenant they work for."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import Float, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store import Json, TenantBase, UtcDateTime


class JobRow(TenantBase):
    """One piece of durable work. `priority` and then `not_before` order the queue; `lease_until` is the running worker's
    word. A trigger of the database refuses moves that the state machine has no arrow for.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("tenant_id", "idempotency_key", name="uq_jobs_idempotency_key"),
        Index("ix_jobs_state", "state", "not_before"),
        Index("ix_jobs_owner", "owner_id", "created_at"),
        Index("ix_jobs_ended", "state", "updated_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(64))
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    owner_id: Mapped[UUID] = mapped_column()
    idempotency_key: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(16))
    progress: Mapped[float] = mapped_column(Float)
    word: Mapped[str] = mapped_column(String(200))
    attempt: Mapped[int] = mapped_column()
    retries: Mapped[int] = mapped_column()
    worker: Mapped[str | None] = mapped_column(String(64))
    not_before: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    lease_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    priority: Mapped[int] = mapped_column()
    deadline_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str | None] = mapped_column(String(32))
    cancel_asked: Mapped[bool] = mapped_column()
    result: Mapped[dict[str, Any] | None] = mapped_column(Json)
    error: Mapped[dict[str, Any] | None] = mapped_column(Json)
    events: Mapped[int] = mapped_column()
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class JobEventRow(TenantBase):
    """One thing that happened to a job; `seq` is dense from 1 within the job."""

    __tablename__ = "job_events"

    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(32))
    data: Mapped[dict[str, Any]] = mapped_column(Json)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
