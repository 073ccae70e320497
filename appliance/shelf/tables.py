"""The shelf's rows, in the file of the node."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store import ControlBase, Json, UtcDateTime


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
    """The generation pointer of models: one row a kind. A switch is one small write of it."""

    __tablename__ = "models_in_force"

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    package_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("model_packages.id"))
    generation: Mapped[int]


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
