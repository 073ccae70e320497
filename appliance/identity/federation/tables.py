"""Identity providers of tenants, those who came from them, and what may be used once: tables of the node itself."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store import ControlBase, Json, UtcDateTime


class IdentityProviderRow(ControlBase):
    """One of a kind for each tenant. `settings` is everything that decides nothing in a query."""

    __tablename__ = "identity_providers"
    __table_args__ = (UniqueConstraint("tenant_id", "kind"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenants.id"))
    kind: Mapped[str] = mapped_column(String(8))
    issuer: Mapped[str] = mapped_column(String(300), index=True)
    enabled: Mapped[bool]
    settings: Mapped[dict[str, Any]] = mapped_column(Json)
    sealed_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    changed_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class OutsidePersonRow(ControlBase):
    """Who a person is at their provider. Another provider that uses the same id does not become that person."""

    __tablename__ = "people_from_outside"
    __table_args__ = (UniqueConstraint("tenant_id", "external_id"),)

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    tenant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenants.id"))
    kind: Mapped[str] = mapped_column(String(8))
    issuer: Mapped[str] = mapped_column(String(300))
    external_id: Mapped[str] = mapped_column(String(255))
    groups: Mapped[list[str]] = mapped_column(Json)
    said_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class GrantRow(ControlBase):
    """A provider's refresh token, sealed for the session that it was given for, and when the provider last answered to it."""

    __tablename__ = "provider_grants"

    session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sign_in_sessions.id"), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    asked_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class TicketRow(ControlBase):
    """SHA-256 of something that works once, in the browser that `binding` is a hash of."""

    __tablename__ = "sign_in_tickets"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    tenant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenants.id"))
    kind: Mapped[str] = mapped_column(String(16))
    binding: Mapped[str] = mapped_column(String(64))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class SpentRow(ControlBase):
    """SHA-256 of a state or an assertion that has been used. Kept until nobody would take it any more."""

    __tablename__ = "sign_ins_spent"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
