"""The store's own two tables."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store.schema import ControlBase, Json, TenantBase, UtcDateTime, tenant_of


class TenantRow(ControlBase):
    """A tenant exists from the moment its row does; file and key were durable before.

    `purge_at` is when it may be erased, `purge_begun_at` when that began and cannot be undone, `purged_at` when nothing was
    left. The row itself stays, to say whose log it was.
    """

    __tablename__ = "tenants"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(63), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    is_active: Mapped[bool] = mapped_column(default=True)
    config: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    purge_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    purge_begun_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    purged_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class MetaRow(TenantBase):
    """Whose rows these are. A tenant's file holds exactly one, and refuses rows of anybody else."""

    __tablename__ = "meta"

    tenant_id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=tenant_of)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
