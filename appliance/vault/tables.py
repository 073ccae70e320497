"""Secrets of tenants, in the file of the node; each sealed under its tenant's key, and gone with it."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store import ControlBase, UtcDateTime


class SecretRow(ControlBase):
    """One version. `good_until` is empty for the present one."""

    __tablename__ = "vault_secrets"
    __table_args__ = (UniqueConstraint("tenant_id", "name", "version"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    last_used: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    good_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
