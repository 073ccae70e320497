"""Second factors: what a person has beside the password.

    begin ── secret, shown once ──> a first right code ──> confirmed: it counts, other sessions end
                                                               └─ with the first factor: ten recovery codes, shown once

A TOTP secret is sealed under a key of the node (AES-256-GCM, bound to the factor's id); of a recovery code only a keyed
hash is kept.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.identity import codes, rules
from appliance.identity import factor_store as queries
from appliance.identity import store as people
from appliance.identity.errors import FactorExists, FactorRefused, NotAPerson, OwnAccount, UnknownFactor, UnknownPerson
from appliance.identity.tables import FactorRow, PersonRow, RecoveryCodeRow
from appliance.identity.values import Clock, Confirmed, FactorKind, OwnFactors, TotpOffer, utc_now
from appliance.store import Admitted, Principal, Store, new_id

NONCE: Final = 12


class Factors:
    """Keeps second factors and checks codes against them."""

    def __init__(self, store: Store, *, clock: Clock = utc_now) -> None:
        self._store = store
        self._clock = clock
        self._cipher = AESGCM(store.secret("factor-secrets"))
        self._code_key = store.secret("recovery-codes")

    # --- inside the transaction of a sign-in or a proof, which holds the person's row -----------------------------------

    async def kinds(self, session: AsyncSession, person_id: UUID) -> tuple[FactorKind, ...]:
        """What can be answered with; nothing for a person without a second factor."""
        if not await queries.confirmed(session, person_id):
            return ()
        return ("totp", "recovery") if await queries.unused_codes(session, person_id) else ("totp",)

    async def spend(self, session: AsyncSession, person_id: UUID, kind: FactorKind, code: str) -> bool:
        """Whether the code is right, and now used up."""
        factors, now = await queries.confirmed(session, person_id), self._clock()
        if not factors:
            return False
        if kind == "recovery":
            hashed = codes.recovery_hash(self._code_key, person_id, code)
            return await queries.use_recovery_code(session, person_id, hashed, now)
        for row in (one for one in factors if one.kind == "totp"):
            if (step := self._fresh_step(row, code)) is not None:
                row.counter, row.last_used_at = step, now
                return True
        return False

    # --- one's own ------------------------------------------------------------------------------------------------------

    async def own(self, admitted: Admitted) -> OwnFactors:
        """Raises NotAPerson."""
        person_id = _person(admitted.principal)
        async with self._store.open_control(admitted) as session:
            rows = await queries.every(session, person_id)
            left = await queries.unused_codes(session, person_id)
        return OwnFactors(tuple(queries.factor_of(row) for row in rows), left)

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
        now = self._clock()
        async with self._store.open_control(admitted, write=True) as session:
            person = await self._held(session, admitted)
            row = await queries.one(session, person.id, factor_id)
            if row is None or row.kind != "totp" or row.confirmed_at is not None:
                raise UnknownFactor("There is no such offer.")
            if (step := self._fresh_step(row, code)) is None:
                raise FactorRefused("The code does not fit.")
            first = not await queries.confirmed(session, person.id)
            row.counter, row.confirmed_at = step, now
            made = await self._new_codes(session, person.id) if first else ()
            await people.end_sessions(session, person.id, now, but=admitted.principal.session_id)
            admitted.outcome.resource_id = str(factor_id)
            admitted.outcome.metadata |= {"kind": "totp"}
            return Confirmed(queries.factor_of(row), made)

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

    # --- another's ------------------------------------------------------------------------------------------------------

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

    # --- inside ---------------------------------------------------------------------------------------------------------

    async def _held(self, session: AsyncSession, admitted: Admitted) -> PersonRow:
        row = await people.person_to_change(session, admitted.tenant_id, _person(admitted.principal))
        if row is None:
            raise NotAPerson("Second factors belong to people.")
        return row

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


def _person(principal: Principal) -> UUID:
    if principal.kind != "person" or principal.session_id is None:
        raise NotAPerson("Second factors belong to people.")
    return principal.id
