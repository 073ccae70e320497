"""Kiosks: devices on the shop floor that are known by a key and ask with nobody signed in.

    admin ── enrolment code (once, 24 h) ──> device makes a P-256 key pair that it cannot export
    device ── code + public key ──> enrolled
    device ── challenge (60 s) ── signs it ──> token (5 min), and again

A challenge is not stored. It is a MAC of this node over the kiosk, an end, a nonce and the number of tokens the kiosk
has had; giving out a token adds one to that number in the same statement that compares it. So a challenge is good for
one token, in every process and across restarts, and asking for challenges writes nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from sqlalchemy.exc import IntegrityError

from appliance.identity import rules
from appliance.identity import store as queries
from appliance.identity.errors import (
    EnrolmentRefused,
    InvalidKey,
    KeyKnown,
    KioskRefused,
    TenantInactive,
    UnknownKiosk,
)
from appliance.identity.identities import SECRET
from appliance.identity.limits import Attempts
from appliance.identity.passwords import ALPHABET
from appliance.identity.ports import Records
from appliance.identity.records import Actor, denied, happened
from appliance.identity.standing import Standing
from appliance.identity.tables import EnrolmentCodeRow, KioskRow
from appliance.identity.tokens import Claims, Tokens
from appliance.identity.values import (
    DEFAULT_LIFETIMES,
    Clock,
    Enrolled,
    EnrolmentCode,
    Kiosk,
    KioskToken,
    Lifetimes,
    utc_now,
)
from appliance.store import CONTROL, Admitted, Purpose, Store, TenantId, new_id

PREFIX: Final = "outpost-kiosk-1."
"""Stands before every challenge, so that a kiosk's signature can never be taken for one over anything else."""

_BODY: Final = struct.Struct(">16sQQ16s")  # kiosk id, tokens issued, end in milliseconds, nonce
_MAC: Final = 32


class Kiosks:
    """Enrolment of devices and their tokens.

    Args:
        attempts: shared with `SignIn`, so that an address has one budget.
    """

    def __init__(
        self,
        store: Store,
        recorder: Records,
        *,
        attempts: Attempts,
        lifetimes: Lifetimes = DEFAULT_LIFETIMES,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._attempts = attempts
        self._lifetimes = lifetimes
        self._clock = clock
        self._tokens = Tokens(store.signing(SECRET), lifetimes=lifetimes, clock=clock)
        self._standing = Standing(store, clock=clock)
        self._challenge_key = store.secret("kiosk-challenges")
        self._code_key = store.secret("enrolment-codes")

    async def issue_code(self, admitted: Admitted, *, clearance: int | None = None) -> EnrolmentCode:
        """Make a code that enrols one kiosk of the admin's tenant with this clearance (2 unless told).

        Raises:
            InvalidInput, BeyondOwnClearance: the clearance cannot be given.
        """
        cleared = rules.clearance(
            rules.KIOSK_CLEARANCE if clearance is None else clearance, "viewer", admitted.principal
        )
        code = "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(3))
        now = self._clock()
        row = EnrolmentCodeRow(
            hash=self._code_hash(code),
            tenant_id=admitted.tenant_id,
            clearance=cleared,
            created_by=admitted.principal.id,
            expires_at=now + self._lifetimes.enrolment,
        )
        async with self._store.open_control(admitted, write=True) as session:
            await queries.forget_old_codes(session, admitted.tenant_id, now)
            session.add(row)
            admitted.outcome.metadata |= {"clearance": cleared}
        return EnrolmentCode(code, row.expires_at)

    async def enrol(self, code: str, name: str, public_key: Mapping[str, Any], *, address: str = "local") -> Enrolled:
        """Use up a code and remember the device by its public key (a JWK on P-256).

        Raises:
            EnrolmentRefused: the code does not work.
            InvalidKey, InvalidInput: the key or the name cannot be used; the code still works.
            KeyKnown: this key is enrolled already; the code still works.
            TenantInactive: the plant is switched off.
            TooManyAttempts: from this address, recently.
        """
        self._attempts.take(address)
        key, shown = imported(public_key), rules.display_name(name)
        now = self._clock()
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
            used = await queries.use_code(session, self._code_hash(code), now)
            if used is not None:
                tenant = await self._standing.tenant(TenantId(used.tenant_id))
                if not tenant.is_active:
                    raise TenantInactive("This plant is switched off.")
                if await queries.kiosk_with_key(session, key.thumbprint()) is not None:
                    raise KeyKnown("A kiosk with this key is enrolled.")
                row = KioskRow(
                    id=new_id(),
                    tenant_id=tenant.id,
                    name=shown,
                    clearance=used.clearance,
                    public_key=dict(key.as_dict(private=False)),
                    thumbprint=key.thumbprint(),
                    is_active=True,
                    tokens_issued=0,
                    created_at=now,
                )
                session.add(row)
                try:
                    await session.flush()
                except IntegrityError:
                    raise KeyKnown("A kiosk with this key is enrolled.") from None
                actor = Actor(row.id, "kiosk", "viewer", name=row.name)
                await self._recorder.append(
                    happened("kiosk.enrolled", tenant.id, actor, clearance=used.clearance, by=str(used.created_by))
                )
                enrolled = Enrolled(queries.kiosk_of(row), tenant.slug)
        if used is None:
            await self._recorder.append(denied(None, "enrolment code", Actor(kind="kiosk"), address=address))
            raise EnrolmentRefused("The enrolment code does not work.")
        self._attempts.give_back(address)
        return enrolled

    async def challenge(self, kiosk_id: UUID) -> str:
        """Something for the kiosk to sign within a minute. An unknown kiosk gets one too, which is good for nothing."""
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
            row = await session.get(KioskRow, kiosk_id)
        end = int((self._clock() + self._lifetimes.challenge).timestamp() * 1000)
        body = _BODY.pack(kiosk_id.bytes, row.tokens_issued if row else 0, end, secrets.token_bytes(16))
        return PREFIX + _encoded(body + self._mac(body))

    async def token(self, kiosk_id: UUID, challenge: str, signature: str, *, address: str = "local") -> KioskToken:
        """Give a token to the kiosk that signed `challenge`: ES256 over its ASCII text, base64url of r || s.

        Raises:
            KioskRefused: unknown, revoked, a challenge that is not its own, too old or used, or a wrong signature.
            TenantInactive: the plant is switched off.
            TooManyAttempts: from this address, recently.
        """
        self._attempts.take(address)
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
            row = await session.get(KioskRow, kiosk_id)
        tenant = None if row is None else await self._standing.tenant(TenantId(row.tenant_id))
        counted = self._counted(kiosk_id, challenge)
        if row is None or tenant is None or counted is None or not signed(row.public_key, challenge, signature):
            where = None if tenant is None else tenant.id
            await self._recorder.append(
                denied(where, "kiosk proof", Actor(kiosk_id if row else None, "kiosk"), address=address)
            )
            raise KioskRefused("The kiosk could not prove that it holds its key.")
        if not tenant.is_active:
            raise TenantInactive("This plant is switched off.")
        actor = Actor(kiosk_id, "kiosk", "viewer", name=row.name)
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
            first = await queries.count_token(session, kiosk_id, counted, self._clock())
            if first:
                await self._recorder.append(happened("auth.login", tenant.id, actor))
        if not first:
            why = "challenge used twice" if row.is_active else "kiosk revoked"
            await self._recorder.append(denied(tenant.id, why, actor, address=address))
            raise KioskRefused("The challenge was used, or the kiosk was revoked.")
        self._attempts.give_back(address)
        claims = Claims(kiosk_id, tenant.id, "viewer", kiosk=kiosk_id)
        lifetime = self._lifetimes.kiosk
        return KioskToken(self._tokens.issue(claims, lifetime), int(lifetime.total_seconds()))

    async def page(self, admitted: Admitted, *, after: tuple[str, str] = ("", ""), limit: int) -> Sequence[Kiosk]:
        """Kiosks of the tenant in the order of their names, from the one that follows `after` (name, id)."""
        async with self._store.open_control(admitted) as session:
            rows = await queries.kiosks_after(session, admitted.tenant_id, after, limit)
            return [queries.kiosk_of(row) for row in rows]

    async def named(self, admitted: Admitted, name: str) -> Kiosk | None:
        """The first kiosk of that name, if the tenant has one."""
        async with self._store.open_control(admitted) as session:
            row = await queries.kiosk_named(session, admitted.tenant_id, name)
            return None if row is None else queries.kiosk_of(row)

    async def revoke(self, admitted: Admitted, kiosk_id: UUID) -> Kiosk:
        """Refuse the kiosk from now on; its last token stops working within seconds. It cannot be enrolled again.

        Raises:
            UnknownKiosk: not in this tenant.
        """
        async with self._store.open_control(admitted, write=True) as session:
            row = await queries.kiosk_to_change(session, admitted.tenant_id, kiosk_id)
            if row is None:
                raise UnknownKiosk("No kiosk with this id is here.")
            row.is_active = False
            admitted.outcome.resource_id = str(kiosk_id)
            return queries.kiosk_of(row)

    def _counted(self, kiosk_id: UUID, challenge: str) -> int | None:
        """How many tokens the kiosk had had when the challenge was made; None if it is not a fresh one of ours."""
        raw = _decoded(challenge.removeprefix(PREFIX))
        if raw is None or len(raw) != _BODY.size + _MAC or challenge != PREFIX + _encoded(raw):
            return None
        body, mac = raw[:-_MAC], raw[-_MAC:]
        if not hmac.compare_digest(mac, self._mac(body)):
            return None
        kiosk, counted, end, _ = _BODY.unpack(body)
        now = self._clock().timestamp() * 1000
        fresh = now < end <= now + self._lifetimes.challenge.total_seconds() * 1000
        return counted if fresh and kiosk == kiosk_id.bytes else None

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._challenge_key, body, "sha256")

    def _code_hash(self, code: str) -> str:
        """Keyed, because a code is short enough to be tried out; hyphens and case do not matter."""
        plain = "".join(letter for letter in code.casefold() if letter.isalnum())
        return hmac.new(self._code_key, plain.encode(), hashlib.sha256).hexdigest()


def imported(public_key: Mapping[str, Any]) -> ECKey:
    """Raises InvalidKey unless it is a public P-256 key on the curve, without its private part."""
    allowed = {name: public_key.get(name) for name in ("kty", "crv", "x", "y")}
    if "d" in public_key or allowed["kty"] != "EC" or allowed["crv"] != "P-256":
        raise InvalidKey("A kiosk has a public key on P-256; its private part never leaves the device.")
    try:
        key = ECKey.import_key({name: str(value) for name, value in allowed.items()})
        key.get_op_key("verify")
    except (JoseError, ValueError, TypeError, binascii.Error):
        raise InvalidKey("The key cannot be read.") from None
    return key


def signed(public_key: Mapping[str, Any], challenge: str, signature: str) -> bool:
    """Whether `signature` (base64url of r || s, RFC 7518 section 3.4) is the key's over the challenge."""
    raw = _decoded(signature)
    if raw is None or len(raw) != 64:
        return False
    encoded = utils.encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    key = imported(public_key).get_op_key("verify")
    assert isinstance(key, ec.EllipticCurvePublicKey)
    try:
        key.verify(encoded, challenge.encode(), ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
