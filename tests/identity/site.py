"""A site under test: the identity services over a real store, a clock that is moved by hand, and a record to read."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from appliance.audit.values import NewRecord
from appliance.errors import Unavailable
from appliance.identity import ApiKeys, Attempts, Badges, Factors, Kiosks, Passwords, People, Proofs, SignIn, StepUps
from appliance.identity.codes import code_at
from appliance.identity.errors import SecondFactorRequired
from appliance.identity.values import Answer, Clock, FactorKind, NewPerson, Person, Role, SignedIn
from appliance.policy import PolicyEngine
from appliance.store import Admitted, Decision, Principal, RecordRef, Store, Tenant, new_id
from appliance.store.admission import Kind, minter

POLICY = PolicyEngine()
PASSWORD = "correct horse battery"


@dataclass
class HandClock:
    """Time stands still until it is moved."""

    now: dt.datetime = dt.datetime(2026, 3, 2, 6, 0, tzinfo=dt.UTC)
    since_start: float = 0.0

    def __call__(self) -> dt.datetime:
        return self.now

    def seconds(self) -> float:
        """Since the start, however the clock was set meanwhile."""
        return self.since_start

    def pass_(self, **time: float) -> None:
        self.now += dt.timedelta(**time)
        self.since_start += dt.timedelta(**time).total_seconds()

    def set_back(self, **time: float) -> None:
        self.now -= dt.timedelta(**time)


@dataclass
class RecordBook:
    """The record, kept in memory; `full` is a record that cannot be written."""

    written: list[NewRecord] = field(default_factory=list)
    full: bool = False

    async def append(self, *records: NewRecord) -> Sequence[RecordRef]:
        if self.full:
            raise Unavailable("The record cannot be written.")
        self.written.extend(records)
        return [RecordRef("book", len(self.written), record.id) for record in records]

    def events(self) -> list[str]:
        return [record.event_type for record in self.written]

    def reasons(self) -> list[Any]:
        return [record.metadata["reason"] for record in self.written if record.event_type == "auth.denied"]


class Site:
    """Everything about identity, as `compose` would build it."""

    def __init__(self, store: Store, *, burst: int = 1000, admins_need_factor: bool = False) -> None:
        self.own_passwords = False
        self.store = store
        self.clock = HandClock()
        self.record = RecordBook()
        self.passwords = Passwords(memory_kib=8, passes=1)
        self.attempts = Attempts(burst=burst, monotonic=self.clock.seconds)
        self.admins_need_factor = admins_need_factor
        self.local = True
        self.people = People(store, passwords=self.passwords, clock=self.clock)
        self._mint = minter()

    @property
    def sign_in(self) -> SignIn:
        """A process of its own each time: what it remembers for two seconds is not in the way of a test."""
        return SignIn(
            self.store,
            self.record,
            passwords=self.passwords,
            factors=self.factors,
            attempts=self.attempts,
            admins_need_factor=self.admins_need_factor,
            own_passwords=self.own_passwords,
            local=self.local,
            clock=self.clock,
        )

    @property
    def factors(self) -> Factors:
        return Factors(self.store, clock=self.clock)

    @property
    def api_keys(self) -> ApiKeys:
        return ApiKeys(self.store, POLICY, clock=self.clock)

    @property
    def badges(self) -> Badges:
        return Badges(self.store, self.record, passwords=self.passwords, attempts=self.attempts, clock=self.clock)

    @property
    def proofs(self) -> Proofs:
        return Proofs(
            self.store,
            self.record,
            passwords=self.passwords,
            factors=self.factors,
            attempts=self.attempts,
            clock=self.clock,
        )

    @property
    def step_ups(self) -> StepUps:
        return StepUps(self.store, self.record, proofs=self.proofs, clock=self.clock)

    @property
    def kiosks(self) -> Kiosks:
        return Kiosks(self.store, self.record, attempts=self.attempts, clock=self.clock)

    def close(self) -> None:
        self.passwords.close()

    def admitted(
        self, tenant: Tenant, *, principal: Principal | None = None, kind: Kind = "person", clearance: int = 3
    ) -> Admitted:
        """An admission of an admin of the tenant."""
        admin = Principal(new_id(), kind, tenant.id, "Ada Admin", "admin", clearance)
        return self._mint(
            principal=principal or admin,
            action="test.act",
            decision=Decision(allowed=True, policies=("test",), pack_version="test"),
            pre=RecordRef("book", 0, new_id()),
            correlation_id=new_id(),
        )

    async def add(self, tenant: Tenant, name: str, role: Role = "operator", *, password: str = PASSWORD) -> Person:
        new = NewPerson(name, name.title(), role, password=password)
        return (await self.people.create(self.admitted(tenant), new)).person

    async def login(self, tenant: Tenant, name: str, password: str = PASSWORD) -> SignedIn:
        return await self.sign_in.login(tenant.slug, name, password)

    async def principal(self, tenant: Tenant, name: str) -> Principal:
        """Somebody who has signed in with the password alone."""
        return await self.sign_in.authenticate((await self.login(tenant, name)).access_token)

    async def with_app(self, tenant: Tenant, principal: Principal) -> App:
        """Give a person an authenticator app; its first code is used up."""
        offer = await self.factors.begin_totp(self.admitted(tenant, principal=principal), "Phone", tenant.name)
        app = App(offer.secret, self.clock)
        confirmed = await self.factors.confirm_totp(
            self.admitted(tenant, principal=principal), offer.factor.id, app.code()
        )
        app.recovery_codes = confirmed.recovery_codes
        return app

    async def challenge(self, tenant: Tenant, name: str, password: str = PASSWORD) -> str:
        """What the right password of somebody with a second factor is answered with."""
        with pytest.raises(SecondFactorRequired) as step:
            await self.login(tenant, name, password)
        return str(step.value.context["challenge"])

    async def second_factor(self, challenge: str, kind: FactorKind, code: str) -> SignedIn:
        return await self.sign_in.second_factor(Answer(kind, code, challenge))

    async def enrolled(self, tenant: Tenant, device: Device, *, clearance: int = 2) -> UUID:
        code = await self.kiosks.issue_code(self.admitted(tenant), clearance=clearance)
        return (await self.kiosks.enrol(code.code, "Line 1", device.public_jwk)).kiosk.id

    async def kiosk_token(self, kiosk_id: UUID, device: Device) -> str:
        challenge = await self.kiosks.challenge(kiosk_id)
        return (await self.kiosks.token(kiosk_id, challenge, device.sign(challenge))).access_token


class App:
    """An authenticator app on a phone, whose clock is the site's unless it goes wrong."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._secret = base64.b32decode(secret + "=" * (-len(secret) % 8))
        self._clock = clock
        self.recovery_codes: tuple[str, ...] = ()

    def code(self, **ahead: float) -> str:
        return code_at(self._secret, self._clock() + dt.timedelta(**ahead))


class Device:
    """A kiosk's side: a key that it made itself."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public_jwk(self) -> dict[str, str]:
        numbers = self._key.public_key().public_numbers()
        return {
            "kty": "EC",
            "crv": "P-256",
            "x": base64url(numbers.x.to_bytes(32)),
            "y": base64url(numbers.y.to_bytes(32)),
        }

    @property
    def private_jwk(self) -> dict[str, str]:
        return self.public_jwk | {"d": base64url(self._key.private_numbers().private_value.to_bytes(32))}

    def sign(self, challenge: str) -> str:
        r, s = utils.decode_dss_signature(self._key.sign(challenge.encode(), ec.ECDSA(SHA256())))
        return base64url(r.to_bytes(32) + s.to_bytes(32))


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Header, claims and signature of a JWT, unverified."""
    header, body, signature = token.split(".")
    return _json(header), _json(body), signature


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """The two first parts of a JWT, as an attacker would write them."""
    return ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))


def _json(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found
