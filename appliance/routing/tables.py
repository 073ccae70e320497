"""Providers in the file of the node; what a plant prefers in the file of the tenant."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store import ControlBase, Json, TenantBase, UtcDateTime


class ProviderRow(ControlBase):
    """`sealed_key` is encrypted under a key of the node; `models` are names, tiers and speeds."""

    __tablename__ = "model_providers"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32), unique=True)
    kind: Mapped[str] = mapped_column(String(32))
    base_url: Mapped[str] = mapped_column(String(300))
    sealed_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    models: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    priority: Mapped[int]
    timeout_seconds: Mapped[int]
    failures: Mapped[int]
    pause_seconds: Mapped[int]
    clearance: Mapped[int]
    enabled: Mapped[bool]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class NodeDefaultRow(ControlBase):
    """What the whole node has answers written with; `what` is `model` or `provider`."""

    __tablename__ = "node_model_defaults"

    what: Mapped[str] = mapped_column(String(16), primary_key=True)
    choice: Mapped[str] = mapped_column(String(120))


class DefaultRow(TenantBase):
    """The same for a tenant, a role of it or a person of it; `subject` is the role or the person's id, else empty."""

    __tablename__ = "model_defaults"
    __table_args__ = (UniqueConstraint("tenant_id", "scope", "subject", "what", name="uq_model_defaults"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(String(8))
    subject: Mapped[str] = mapped_column(String(40))
    what: Mapped[str] = mapped_column(String(16))
    choice: Mapped[str] = mapped_column(String(120))
