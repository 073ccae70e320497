"""Showing again that it is still you: before a factor is changed, and before what is hard to take back.

Whoever has a second factor gives a code of it, whoever has none the password. Failures count with those of signing in:
six in a row lock the account, and while it is locked a right proof is refused too.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from appliance.identity import factor_store, records, rules, telling
from appliance.identity import store as queries
from appliance.identity.errors import NotAPerson, ProofRefused, TokenRefused
from appliance.identity.factors import Factors
from appliance.identity.limits import Attempts
from appliance.identity.passwords import Passwords
from appliance.identity.ports import Records
from appliance.identity.records import denied
from appliance.identity.slips import Slips
from appliance.identity.values import DEFAULT_LIFETIMES, Answer, Clock, KeyOffer, Proof, utc_now
from appliance.store import CONTROL, Principal, Purpose, Store


class Proofs:
    """Args:
    attempts: shared with `SignIn`, so that an address has one budget.
    """

    def __init__(
        self,
        store: Store,
        recorder: Records,
        *,
        passwords: Passwords,
        factors: Factors,
        attempts: Attempts,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._passwords = passwords
        self._factors = factors
        self._attempts = attempts
        self._clock = clock
        self._challenges = Slips(store, "proof", DEFAULT_LIFETIMES.second_step, clock=clock)

    async def check(self, principal: Principal, proof: Proof, *, address: str = "local") -> None:
        """Return if it is them; a code is then used up.

        Raises:
            ProofRefused: it does not fit, or the account is locked.
            NotAPerson: nobody who could prove anything.
            TooManyAttempts: from this address, recently.
        """
        if principal.kind != "person" or principal.session_id is None:
            raise NotAPerson("Only a person can do this.")
        self._attempts.take(address)
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
            known = await queries.person_by_id(session, principal.tenant_id, principal.id)
            has_factor = bool(await factor_store.confirmed(session, principal.id))
        hashed = None if known is None or has_factor else known.password_hash
        fits = proof.password is not None and await self._passwords.verify(hashed, proof.password)
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
            row = await queries.person_to_change(session, principal.tenant_id, principal.id)
            if row is None:
                raise NotAPerson("Only a person can do this.")
            now = self._clock()
            locked = rules.locked(row.locked_until, now)
            if await factor_store.confirmed(session, row.id):
                fits = not locked and await self._answered(session, principal, proof.answer)
            else:
                fits = fits and row.password_hash == hashed
            if locked or not fits:
                if not locked:
                    row.failures, row.locked_until = rules.after_failure(row.failures, row.locked_until, now)
                    if rules.locked(row.locked_until, now):
                        await telling.locked(session, row, now)
                why = "locked" if locked else "wrong proof"
                about = records.principal(principal)
                await self._recorder.append(denied(principal.tenant_id, why, about, address=address))
            else:
                row.failures, row.locked_until = 0, None
        if locked or not fits:
            raise ProofRefused
        self._attempts.give_back(address)

    async def key_request(self, principal: Principal, origin: str) -> KeyOffer:
        """A challenge, and what a browser asks a security key so that it signs it. Raises KeyUnavailable, NotAPerson."""
        if principal.kind != "person" or principal.session_id is None:
            raise NotAPerson("Only a person can do this.")
        challenge = self._challenges.issue(principal.id, {"session": str(principal.session_id)})
        return KeyOffer(challenge, await self._factors.request(principal.id, challenge, origin))

    async def _answered(self, session: AsyncSession, principal: Principal, answer: Answer | None) -> bool:
        if answer is None:
            return False
        if answer.kind == "webauthn":
            try:
                slip = self._challenges.read(answer.challenge)
            except TokenRefused:
                return False
            ours = slip.subject == principal.id and slip.about == {"session": str(principal.session_id)}
            if not ours or not await factor_store.spend(session, slip, self._clock()):
                return False
        return await self._factors.spend(session, principal.id, answer)
