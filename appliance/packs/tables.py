"""Policy packs and the switches between them, in the file of the node."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store import ControlBase, Json, UtcDateTime


class PackRow(ControlBase):
    """A pack that was found to be sound when it was staged. `version` is made from `texts`, so a row never changes."""

    __tablename__ = "policy_packs"

    tenant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    version: Mapped[str] = mapped_column(String(12), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    texts: Mapped[dict[str, str]] = mapped_column(Json)
    staged_by: Mapped[uuid.UUID]
    staged_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class SwitchRow(ControlBase):
    """One switch. The one with the highest generation says what is in force; no version means the pack of the release."""

    __tablename__ = "policy_switches"

    tenant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    generation: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[str | None] = mapped_column(String(12))
    what: Mapped[str] = mapped_column(String(8))
    by: Mapped[uuid.UUID]
    at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
