"""What a plant has set for the guard."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import String, UniqueConstraint
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
