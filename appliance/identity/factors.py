"""Second factors: what a person has beside the password.

    app            secret, shown once ──> a first right code ─┐
                                                              ├─> confirmed: it counts, other sessions end
    security key   challenge ──> its credential ──────────────┘      └─ with a first factor: ten recovery codes, shown once

A TOTP secret is sealed under a key of the node (AES-256-GCM, bound to the factor's id); of a recovery code only a keyed
hash is kept, of a security key its public key.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from typing import Any, Final, get_args
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.identity import codes, rules, security_keys
from appliance.identity import factor_store as queries
from appliance.identity import store as people
from appliance.identity.errors import (
    FactorExists,
    FactorRefused,
    KeyUnavailable,
    NotAPerson,
    OwnAccount,
    TokenRefused,
    UnknownFactor,
    UnknownPerson,
)
from appliance.identity.slips import Slips
from appliance.identity.tables import FactorRow, PersonRow, RecoveryCodeRow
from appliance.identity.values import (
    DEFAULT_LIFETIMES,
    Answer,
    Clock,
    Confirmed,
    FactorKind,
    KeyOffer,
    OwnFactors,
    TotpOffer,
    utc_now,
)
from appliance.store import CONTROL, Admitted, Principal, Purpose, Store, new_id

NONCE: Final = 12
MOST_KEYS: Final = 5


class Factors:
    """Keeps second factors and checks codes against them."""

    def __init__(self, store: Store, *, clock: Clock = utc_now) -> None:
        self._store = store
        self._clock = clock
        self._cipher = AESGCM(store.secret("factor-secrets"))
        self._code_key = store.secret("recovery-codes")
        self._offers = Slips(store, "security-key", DEFAULT_LIFETIMES.second_step, clock=clock)

    # --- inside the transaction of a sign-in or a proof, which holds the person's row -----------------------------------

    async def kinds(self, session: AsyncSession, person_id: UUID) -> tuple[FactorKind, ...]:
        """What can be answered with; nothing for a person without a second factor."""
        present = {row.kind for row in await queries.confirmed(session, person_id)}
        if present and await queries.unused_codes(session, person_id):
            present.add("recovery")
        return tuple(kind for kind in get_args(FactorKind) if kind in present)

    async def spend(self, session: AsyncSession, person_id: UUID, answer: Answer) -> bool:
        """Whether the answer is right, and now used up."""
        factors, now = await queries.confirmed(session, person_id), self._clock()
        if not factors:
            return False
        if answer.kind == "recovery":
            hashed = codes.recovery_hash(self._code_key, person_id, answer.code)
            return await queries.use_recovery_code(session, person_id, hashed, now)
        for row in (one for one in factors if one.kind == answer.kind):
            step = self._fresh_step(row, answer.code) if row.kind == "totp" else _counted(row, answer)
            if step is not None:
                row.counter, row.last_used_at = step, now
                return True
        return False

    async def request(self, person_id: UUID, challenge: str, origin: str) -> dict[str, Any]:
        """What a browser asks the person's security keys, so that one signs `challenge`. Raises KeyUnavailable."""
        host = security_keys.host_of(origin)
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
            rows = await queries.confirmed(session, person_id)
        handles = [row.handle for row in rows if row.handle is not None and row.host == host]
        if not handles:
            raise KeyUnavailable("No security key was set up here.")
        return security_keys.request(host=host, challenge=challenge, handles=handles)

    # --- one's own ------------------------------------------------------------------------------------------------------

    async def own(self, admitted: Admitted) -> OwnFactors:
        """Raises NotAPerson."""
        person_id = _person(admitted.principal)
        async with self._store.open_control(admitted) as session:
            rows = await queries.every(session, person_id)
            left = await queries.unused_codes(session, person_id)
            row = await people.person_by_id(session, admitted.tenant_id, person_id)
        has_password = row is not None and bool(row.password_hash)
        return OwnFactors(tuple(queries.factor_of(row) for row in rows), left, has_password)

    async def begin_totp(self, admitted: Admitted, name: str, site: str) -> TotpOffer:
        """Offer a new secret; an offer that was not confirmed is replaced.

        Raises:
            NotAPerson, InvalidInput: nothing was offered.
            FactorExists: there is one that counts.
        """
        principal, shown, now = admitted.principal, rules.display_name(name), self._clock()
        secret, factor_id = secrets.token_bytes(codes.SECRET_BYTES), new_id()
        async with self._store.open_control(admitted, write=True) as session:
            await self._held(session, admitted)
            present = [row for row in await queries.every(session, _person(principal)) if row.kind == "totp"]
            if any(row.confirmed_at is not None for row in present):
                raise FactorExists("An authenticator app is set up.")
            await queries.forget(session, *(row.id for row in present))
            row = FactorRow(
                id=factor_id,
                person_id=principal.id,
                kind="totp",
                name=shown,
                sealed=self._sealed(factor_id, secret),
                counter=0,
                created_at=now,
            )
            session.add(row)
            admitted.outcome.resource_id = str(factor_id)
            admitted.outcome.metadata |= {"kind": "totp"}
        uri = codes.provisioning_uri(secret, principal.name, site)
        return TotpOffer(queries.factor_of(row), codes.shown_secret(secret), uri)

    async def confirm_totp(self, admitted: Admitted, factor_id: UUID, code: str) -> Confirmed:
        """Make an offered factor count. Other sessions of the person end: they were opened without it.

        Raises:
            NotAPerson, UnknownFactor: there is no such offer.
            FactorRefused: the code does not fit; the offer stands.
        """
        async with self._store.open_control(admitted, write=True) as session:
            person = await self._held(session, admitted)
            row = await queries.one(session, person.id, factor_id)
            if row is None or row.kind != "totp" or row.confirmed_at is not None:
                raise UnknownFactor("There is no such offer.")
            if (step := self._fresh_step(row, code)) is None:
                raise FactorRefused("The code does not fit.")
            row.counter = step
            return await self._confirmed(session, admitted, row)

    async def begin_key(self, admitted: Admitted, name: str, site: str, origin: str) -> KeyOffer:
        """What a browser needs to make a credential on a security key. Raises NotAPerson, InvalidInput, KeyUnavailable."""
        principal, shown, host = admitted.principal, rules.display_name(name), security_keys.host_of(origin)
        async with self._store.open_control(admitted) as session:
            rows = await queries.every(session, _person(principal))
        challenge = self._offers.issue(principal.id, {"session": str(principal.session_id), "name": shown})
        options = security_keys.creation(
            host=host,
            site=site,
            person_id=principal.id,
            username=principal.name,
            challenge=challenge,
            present=[row.handle for row in rows if row.handle is not None],
        )
        return KeyOffer(challenge, options)

    async def confirm_key(self, admitted: Admitted, challenge: str, credential: str, origin: str) -> Confirmed:
        """Take the credential that a security key made. Other sessions of the person end.

        Raises:
            NotAPerson, TokenRefused: the offer is too old, was used, or is somebody else's.
            FactorRefused: the credential does not fit, or is known.
            FactorExists: the person has as many keys as can be.
        """
        slip, principal = self._offers.read(challenge), admitted.principal
        if slip.subject != principal.id or slip.about["session"] != str(principal.session_id):
            raise TokenRefused("This offer is not yours.", hint="Begin again.")
        made = security_keys.registered(credential, challenge=challenge, origin=origin)
        async with self._store.open_control(admitted, write=True) as session:
            person = await self._held(session, admitted)
            keys = [row for row in await queries.every(session, person.id) if row.kind == "webauthn"]
            if len(keys) >= MOST_KEYS:
                raise FactorExists(f"A person has at most {MOST_KEYS} security keys.")
            if not await queries.spend(session, slip, self._clock()) or await queries.known(session, made.handle):
                raise FactorRefused("The security key is known, or the offer was used.")
            row = FactorRow(
                id=new_id(),
                person_id=person.id,
                kind="webauthn",
                name=slip.about["name"],
                handle=made.handle,
                host=security_keys.host_of(origin),
                sealed=made.public_key,
                counter=made.counter,
                created_at=self._clock(),
            )
            confirmed = await self._confirmed(session, admitted, row)
            session.add(row)
            return confirmed

    async def renew_codes(self, admitted: Admitted) -> Sequence[str]:
        """New recovery codes; those before them are void. Raises NotAPerson, UnknownFactor without a factor."""
        async with self._store.open_control(admitted, write=True) as session:
            person = await self._held(session, admitted)
            if not await queries.confirmed(session, person.id):
                raise UnknownFactor("Recovery codes stand in for a second factor, and there is none.")
            return await self._new_codes(session, person.id)

    async def remove(self, admitted: Admitted, factor_id: UUID) -> None:
        """Remove one's own; with the last one the recovery codes go too. Raises NotAPerson, UnknownFactor."""
        async with self._store.open_control(admitted, write=True) as session:
            person = await self._held(session, admitted)
            row = await queries.one(session, person.id, factor_id)
            if row is None:
                raise UnknownFactor("There is no such factor.")
            await queries.forget(session, factor_id)
            if not await queries.confirmed(session, person.id):
                await queries.forget_codes(session, person.id)
            admitted.outcome.resource_id = str(factor_id)
            admitted.outcome.metadata |= {"kind": row.kind}

    async def reset(self, admitted: Admitted, person_id: UUID) -> None:
        """Remove all factors and recovery codes of somebody who lost them, and end their sessions.

        Raises:
            UnknownPerson: not in this tenant.
            OwnAccount: one's own are removed one by one, with a code.
        """
        if person_id == admitted.principal.id:
            raise OwnAccount("Remove your own factors under your account.")
        async with self._store.open_control(admitted, write=True) as session:
            if await people.person_to_change(session, admitted.tenant_id, person_id) is None:
                raise UnknownPerson("Nobody with this id is here.")
            rows = await queries.every(session, person_id)
            await queries.forget(session, *(row.id for row in rows))
            await queries.forget_codes(session, person_id)
            await people.end_sessions(session, person_id, self._clock())
            admitted.outcome.resource_id = str(person_id)
            admitted.outcome.metadata |= {"removed": len(rows)}

    async def _held(self, session: AsyncSession, admitted: Admitted) -> PersonRow:
        row = await people.person_to_change(session, admitted.tenant_id, _person(admitted.principal))
        if row is None:
            raise NotAPerson("Second factors belong to people.")
        return row

    async def _confirmed(self, session: AsyncSession, admitted: Admitted, row: FactorRow) -> Confirmed:
        """Let a factor count, with recovery codes beside a first one, and end what was opened without it."""
        now, first = self._clock(), not await queries.confirmed(session, row.person_id)
        row.confirmed_at = now
        made = await self._new_codes(session, row.person_id) if first else ()
        await people.end_sessions(session, row.person_id, now, but=admitted.principal.session_id)
        admitted.outcome.resource_id = str(row.id)
        admitted.outcome.metadata |= {"kind": row.kind}
        return Confirmed(queries.factor_of(row), made)

    async def _new_codes(self, session: AsyncSession, person_id: UUID) -> tuple[str, ...]:
        await queries.forget_codes(session, person_id)
        made = tuple(codes.recovery_code() for _ in range(codes.RECOVERY_CODES))
        session.add_all(
            RecoveryCodeRow(hash=codes.recovery_hash(self._code_key, person_id, code), person_id=person_id)
            for code in made
        )
        return made

    def _sealed(self, factor_id: UUID, secret: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, secret, factor_id.bytes)

    def _fresh_step(self, row: FactorRow, code: str) -> int | None:
        """The time step that the code uses up; None if it is wrong or used, or the secret cannot be opened any more."""
        try:
            secret = self._cipher.decrypt(row.sealed[:NONCE], row.sealed[NONCE:], row.id.bytes)
        except InvalidTag:
            return None
        return codes.fresh_step(secret, code, self._clock(), row.counter)


def _counted(row: FactorRow, answer: Answer) -> int | None:
    if row.handle is None or row.host is None or security_keys.handle_of(answer.code) != row.handle:
        return None
    return security_keys.counted(
        answer.code,
        challenge=answer.challenge,
        origin=answer.origin,
        host=row.host,
        public_key=row.sealed,
        counter=row.counter,
    )


def _person(principal: Principal) -> UUID:
    if principal.kind != "person" or principal.session_id is None:
        raise NotAPerson("Second factors belong to people.")
    return principal.id
