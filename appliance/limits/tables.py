"""What was counted: the counters themselves on a hub, on a node what they were a few seconds ago."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Double, String
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store import ControlBase, Json


class RateWindowRow(ControlBase):
    """One window. `slices` maps the number of a slice to its requests; `at` is when it was written, in seconds."""

    __tablename__ = "rate_windows"

    tenant_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(80), primary_key=True)
    what: Mapped[str] = mapped_column(String(160), primary_key=True)
    seconds: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    slices: Mapped[dict[str, Any]] = mapped_column(Json)
    at: Mapped[float] = mapped_column(Double)
