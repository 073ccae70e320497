"""People, kiosks and sign-ins: tables of the node itself."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from appliance.store import ControlBase, Json, UtcDateTime


class PersonRow(ControlBase):
    """`must_change` is whether somebody else made the password."""

    __tablename__ = "people"
    __table_args__ = (UniqueConstraint("tenant_id", "username"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenants.id"))
    username: Mapped[str] = mapped_column(String(64))
    display_name: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(16))
    clearance: Mapped[int]
    export_eligibility: Mapped[list[str]] = mapped_column(Json, default=list)
    duties: Mapped[dict[str, str | None]] = mapped_column(Json, default=dict)
    password_hash: Mapped[str] = mapped_column(String(255))
    must_change: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    last_login: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class SessionRow(ControlBase):
    """One sign-in of a person, and all refresh tokens that came of it.

    At a kiosk it belongs to that kiosk, says whether a PIN was given, and when it was last used, to the minute.
    """

    __tablename__ = "sign_in_sessions"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    kiosk_id: Mapped[uuid.UUID | None]
    with_pin: Mapped[bool | None]
    seen_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class RefreshTokenRow(ControlBase):
    """SHA-256 of a refresh token. A used one is kept until its session is gone, to know it if it comes again."""

    __tablename__ = "refresh_tokens"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sign_in_sessions.id"), index=True)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class KioskRow(ControlBase):
    """`tokens_issued` is part of every challenge, so that each challenge is good for one token."""

    __tablename__ = "kiosks"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenants.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    clearance: Mapped[int]
    public_key: Mapped[dict[str, Any]] = mapped_column(Json)
    thumbprint: Mapped[str] = mapped_column(String(43), unique=True)
    is_active: Mapped[bool] = mapped_column(default=True)
    tokens_issued: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    last_seen: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class EnrolmentCodeRow(ControlBase):
    __tablename__ = "enrolment_codes"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    tenant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenants.id"))
    clearance: Mapped[int]
    created_by: Mapped[uuid.UUID]
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class FactorRow(ControlBase):
    """A second factor of a person; it counts once it is confirmed.

    `sealed` is a TOTP secret under a key of the node, or a security key's public key (COSE). `counter` is the last time
    step that was used, or the security key's own count. `handle` is a security key's credential id, for the name `host`.
    """

    __tablename__ = "factors"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(120))
    handle: Mapped[str | None] = mapped_column(String(1400), unique=True)
    host: Mapped[str | None] = mapped_column(String(253))
    sealed: Mapped[bytes]
    counter: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    confirmed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class RecoveryCodeRow(ControlBase):
    """A keyed hash of a code that works once."""

    __tablename__ = "recovery_codes"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), index=True)
    used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class SpentSlipRow(ControlBase):
    """A slip that was acted on, kept until it is too old to come again."""

    __tablename__ = "spent_slips"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class ApiKeyRow(ControlBase):
    """A key of a program. `hash` is keyed; `prefix` is shown. Without a maker, the owner of the data directory made it."""

    __tablename__ = "api_keys"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tenants.id"), index=True)
    prefix: Mapped[str] = mapped_column(String(32), unique=True)
    hash: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(120))
    maker_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("people.id"))
    role: Mapped[str] = mapped_column(String(16))
    clearance: Mapped[int]
    scopes: Mapped[list[str]] = mapped_column(Json)
    auditor: Mapped[bool] = mapped_column(default=False)
    days: Mapped[int]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class BadgeRow(ControlBase):
    """A person's badge as a keyed hash, and the argon2id hash of the PIN beside it. The PIN counts its own failures."""

    __tablename__ = "badges"

    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("people.id"), primary_key=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    pin_hash: Mapped[str | None] = mapped_column(String(255))
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
