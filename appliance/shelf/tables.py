"""The shelf's rows: models in the file of the node, what they were used for in the file of the tenant."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store import ControlBase, Json, TenantBase, UtcDateTime


class ModelPackageRow(ControlBase):
    """A folder under `models/` of the data directory; `facts` are the header's and the trial's."""

    __tablename__ = "model_packages"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    licence: Mapped[str] = mapped_column(String(120))
    facts: Mapped[dict[str, Any]] = mapped_column(Json)
    measured: Mapped[dict[str, Any] | None] = mapped_column(Json)
    reason: Mapped[str | None] = mapped_column(String(300))
    imported_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class ModelInForceRow(ControlBase):
    """The generation pointer of models: one row a tier. A switch is one small write. What does not `start` is in force and not run."""

    __tablename__ = "models_in_force"

    tier: Mapped[str] = mapped_column(String(16), primary_key=True)
    package_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("model_packages.id"))
    generation: Mapped[int]
    start: Mapped[bool]


class ModelEventRow(ControlBase):
    """The shelf's history; `number` is dense from 1."""

    __tablename__ = "model_events"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    what: Mapped[str] = mapped_column(String(16))
    model: Mapped[str] = mapped_column(String(64))
    package_id: Mapped[uuid.UUID]
    reason: Mapped[str | None] = mapped_column(String(300))
    by: Mapped[uuid.UUID | None] = mapped_column()
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class UsageRow(TenantBase):
    """One use of a chat model: a reservation while it runs, then what it took. No text stands here.

    `cost_micros` are millionths of the currency, by the price of the day; a later price changes nothing of it.
    """

    __tablename__ = "model_usage"
    __table_args__ = (Index("ix_model_usage_at", "tenant_id", "at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    person_id: Mapped[uuid.UUID]
    model: Mapped[str] = mapped_column(String(64))
    provider: Mapped[str] = mapped_column(String(32))
    purpose: Mapped[str] = mapped_column(String(16))
    tokens: Mapped[int]
    cost_micros: Mapped[int] = mapped_column(BigInteger, server_default="0")
    currency: Mapped[str] = mapped_column(String(8), server_default="")
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    ms: Mapped[int]
    settled: Mapped[bool]


class BudgetRow(TenantBase):
    """A limit on tokens, or on what else `counts` says; `person_id` is the nil UUID where it is the whole tenant's, `provider` empty where it is of all."""

    __tablename__ = "token_budgets"
    __table_args__ = (
        UniqueConstraint("tenant_id", "person_id", "provider", "period", "counts", name="uq_token_budgets"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    person_id: Mapped[uuid.UUID]
    provider: Mapped[str] = mapped_column(String(32))
    period: Mapped[str] = mapped_column(String(8))
    limit_tokens: Mapped[int] = mapped_column(BigInteger)
    counts: Mapped[str] = mapped_column(String(8), server_default="tokens")
    hard: Mapped[bool]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class SearchCountRow(TenantBase):
    """How often somebody searched or asked on a day (UTC, `2026-11-28`), while a budget counted it."""

    __tablename__ = "search_counts"
    __table_args__ = (UniqueConstraint("tenant_id", "person_id", "day", name="uq_search_counts"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    person_id: Mapped[uuid.UUID]
    day: Mapped[str] = mapped_column(String(10))
    used: Mapped[int]
