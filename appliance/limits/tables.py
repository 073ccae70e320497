"""What was counted: the counters themselves on a hub, on a node what they were a few seconds ago; and what admins set."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import Double, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store import ControlBase, Json, TenantBase, UtcDateTime


class RateWindowRow(ControlBase):
    """One window. `slices` maps the number of a slice to its requests; `at` is when it was written, in seconds."""

    __tablename__ = "rate_windows"

    tenant_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(80), primary_key=True)
    what: Mapped[str] = mapped_column(String(160), primary_key=True)
    seconds: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    slices: Mapped[dict[str, Any]] = mapped_column(Json)
    at: Mapped[float] = mapped_column(Double)


class RateOverrideRow(TenantBase):
    """A limit that an admin set: of the `plant`, a `role`, a `person` or a `route`; None where the pack's holds.

    `subject` is the role, the person's id or the route; empty for the plant.
    """

    __tablename__ = "rate_overrides"
    __table_args__ = (UniqueConstraint("tenant_id", "scope", "subject", name="uq_rate_overrides"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(String(8))
    subject: Mapped[str] = mapped_column(String(160))
    minute: Mapped[int | None]
    hour: Mapped[int | None]
    set_by: Mapped[uuid.UUID]
    set_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
