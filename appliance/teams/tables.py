"""Teams of tenants, beside the people who are in them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store import ControlBase, Json, UtcDateTime


class TeamRow(ControlBase):
    """A team belongs to one tenant; `slug` is its short name there."""

    __tablename__ = "teams"
    __table_args__ = (UniqueConstraint("tenant_id", "slug"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str] = mapped_column(String(80))
    slug: Mapped[str] = mapped_column(String(64))
    config: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class MembershipRow(ControlBase):
    """A person in a team; `team_role` is owner, member or viewer."""

    __tablename__ = "team_memberships"

    team_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("teams.id"), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), primary_key=True, index=True)
    team_role: Mapped[str] = mapped_column(String(8), server_default="member")
    joined_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
