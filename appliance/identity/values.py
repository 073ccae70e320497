"""People, kiosks and sign-ins as the rest of the appliance sees them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from uuid import UUID

from appliance.identity.duties import Duties
from appliance.store import TenantId

Role = Literal["viewer", "operator", "admin"]
FactorKind = Literal["totp", "webauthn", "recovery"]
Clock = Callable[[], dt.datetime]


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long what is handed out lasts.

    A person signs in again after `idle` without use, and after `session` in any case; at a kiosk after `at_kiosk_idle`,
    and after `at_kiosk`. Who has to choose a password first has `first` for it.
    """

    access: dt.timedelta = dt.timedelta(minutes=15)
    kiosk: dt.timedelta = dt.timedelta(minutes=5)
    idle: dt.timedelta = dt.timedelta(hours=12)
    session: dt.timedelta = dt.timedelta(days=7)
    challenge: dt.timedelta = dt.timedelta(seconds=60)
    enrolment: dt.timedelta = dt.timedelta(hours=24)
    leeway: dt.timedelta = dt.timedelta(seconds=30)
    second_step: dt.timedelta = dt.timedelta(minutes=5)
    step_up: dt.timedelta = dt.timedelta(minutes=2)
    at_kiosk_idle: dt.timedelta = dt.timedelta(minutes=10)
    at_kiosk: dt.timedelta = dt.timedelta(hours=12)
    first: dt.timedelta = dt.timedelta(minutes=15)


DEFAULT_LIFETIMES: Final = Lifetimes()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in. `username` is folded to one spelling and unique within the tenant.

    `export_eligibility` are the export regimes, `EAR` and `ITAR`, that they may see documents of; `duties` what they are
    asked to do beside their role, over or not. `must_change`: somebody else made their password.
    """

    id: UUID
    tenant_id: TenantId
    username: str
    display_name: str
    role: Role
    clearance: int
    is_active: bool
    locked_until: dt.datetime | None
    last_login: dt.datetime | None
    created_at: dt.datetime
    export_eligibility: frozenset[str] = frozenset()
    duties: Duties = field(default_factory=dict)
    must_change: bool = False


@dataclass(frozen=True, slots=True)
class NewPerson:
    """`clearance` and `password` may be left to the defaults: the role's, and a generated one."""

    username: str
    display_name: str
    role: Role
    clearance: int | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class PersonChange:
    """What is to be different; `None` stays as it is."""

    display_name: str | None = None
    role: Role | None = None
    clearance: int | None = None
    is_active: bool | None = None
    password: str | None = None
    unlock: bool = False
    export_eligibility: Collection[str] | None = None
    duties: Duties | None = None


@dataclass(frozen=True, slots=True)
class PersonCreated:
    """`password` is shown once, and only if it was generated."""

    person: Person
    password: str | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person's tokens: the access token for `expires_in` seconds, the refresh token for one use.

    `must_change`: they serve for nothing but choosing a password.
    """

    person: Person
    tenant_slug: str
    access_token: str
    expires_in: int
    refresh_token: str
    session_id: UUID
    must_change: bool = False


@dataclass(frozen=True, slots=True)
class Factor:
    """A second factor of a person; without `confirmed_at` it is offered and does not count yet."""

    id: UUID
    kind: FactorKind
    name: str
    created_at: dt.datetime
    confirmed_at: dt.datetime | None
    last_used_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class OwnFactors:
    """What a person has beside the password, and whether they have one here; `recovery_codes` is how many are unused."""

    factors: tuple[Factor, ...]
    recovery_codes: int
    has_password: bool


@dataclass(frozen=True, slots=True)
class TotpOffer:
    """Shown once: base32 to type, and an `otpauth` address for an app."""

    factor: Factor
    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class Confirmed:
    """`recovery_codes` are shown once, and only with a person's first factor."""

    factor: Factor
    recovery_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyOffer:
    """What a browser needs to make a credential; `challenge` comes back with it. `options` is JSON of WebAuthn."""

    challenge: str
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A code, or what a security key says (JSON of WebAuthn) to `challenge` at the address `origin`."""

    kind: FactorKind
    code: str
    challenge: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a person gives again to show that it is still them: `answer` where they have a second factor, or the password."""

    password: str | None = None
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Kiosk:
    """An enrolled device. It is known by its key alone."""

    id: UUID
    tenant_id: TenantId
    name: str
    clearance: int
    is_active: bool
    thumbprint: str
    created_at: dt.datetime
    last_seen: dt.datetime | None


@dataclass(frozen=True, slots=True)
class EnrolmentCode:
    """Shown once; only its hash is kept."""

    code: str
    expires_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Enrolled:
    kiosk: Kiosk
    tenant_slug: str


@dataclass(frozen=True, slots=True)
class KioskToken:
    access_token: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class Credential:
    """A sign-in that was just made; nothing keeps the password."""

    tenant: str
    username: str
    password: str
    role: Role


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """`role` and `clearance` may be left to the maker's own; `scopes` are names of actions, at least one.

    The key of an `auditor` reads the record, as a viewer of the lowest clearance, and needs no scopes. One that works for
    `minutes`, in place of days, is a token: without scopes it may do all that its role may, and it is not rotated.
    """

    name: str
    scopes: frozenset[str]
    role: Role | None = None
    clearance: int | None = None
    days: int = 90
    auditor: bool = False
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of a program. `role` and `clearance` are what it has now: never more than its maker has.

    `duties` are its own; of its maker's, those that take rights away hold for it too.
    """

    id: UUID
    tenant_id: TenantId
    prefix: str
    hash: str
    name: str
    maker_id: UUID | None
    role: Role
    clearance: int
    scopes: frozenset[str]
    duties: frozenset[str]
    maker_duties: Duties
    is_active: bool
    created_at: dt.datetime
    expires_at: dt.datetime
    revoked_at: dt.datetime | None
    last_used_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class ApiKeyMade:
    """`secret` is the whole key, shown once."""

    key: ApiKey
    secret: str


@dataclass(frozen=True, slots=True)
class AtKiosk:
    """Where a person's session belongs to: a kiosk, with a PIN or the badge alone."""

    kiosk_id: UUID
    with_pin: bool
    seen_at: dt.datetime


@dataclass(frozen=True, slots=True)
class PersonAtKiosk:
    """A person's token at one kiosk: it works beside that kiosk's own token, and ends after ten minutes without use."""

    person: Person
    role: Role
    clearance: int
    access_token: str
    expires_in: int
