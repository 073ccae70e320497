"""Signing in: a password, and a second factor where there is one, for tokens.

    login ──> [challenge (5 min) ── code ──>] access token (15 min) + refresh token (one use) ──> refresh ──> ... ──> logout, or 12 h without use
                                          └─ used again: stolen or copied, so the whole session ends

A sign-in is recorded before its transaction commits; if the record cannot be written, nobody signs in. What an unknown
name, a wrong password and a locked account answer is the same, and takes as long.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from appliance.errors import OutpostError
from appliance.identity import factor_store, records, rules, telling
from appliance.identity import store as queries
from appliance.identity.errors import (
    PersonInactive,
    SecondFactorRefused,
    SecondFactorRequired,
    SessionEnded,
    SignInRefused,
    TenantInactive,
    TokenRefused,
)
from appliance.identity.factors import Factors
from appliance.identity.federation.errors import LocalSignInOff
from appliance.identity.federation.people import recheck
from appliance.identity.federation.store import has_provider
from appliance.identity.identities import Identities, inactive
from appliance.identity.limits import Attempts
from appliance.identity.passwords import Passwords
from appliance.identity.ports import Memberships, News, Records
from appliance.identity.records import Actor, denied, happened
from appliance.identity.slips import Slips
from appliance.identity.tables import PersonRow, RefreshTokenRow, SessionRow
from appliance.identity.tokens import Claims
from appliance.identity.values import DEFAULT_LIFETIMES, Answer, Clock, Lifetimes, Person, SignedIn, utc_now
from appliance.store import CONTROL, Principal, Purpose, Store, Tenant, TenantId, new_id


class SignIn(Identities):
    """Sign-in, refresh and sign-out of people, and who a token belongs to.

    Args:
        passwords: shared with `People`; whoever made it closes it.
        attempts: shared with `Kiosks`, so that an address has one budget.
        local: whether passwords are taken also where the tenant has an identity provider.
    """

    def __init__(
        self,
        store: Store,
        recorder: Records,
        *,
        passwords: Passwords,
        factors: Factors,
        attempts: Attempts,
        admins_need_factor: bool,
        own_passwords: bool,
        local: bool = True,
        lifetimes: Lifetimes = DEFAULT_LIFETIMES,
        clock: Clock = utc_now,
        memberships: Memberships | None = None,
    ) -> None:
        super().__init__(
            store,
            recorder,
            admins_need_factor=admins_need_factor,
            own_passwords=own_passwords,
            lifetimes=lifetimes,
            clock=clock,
            memberships=memberships,
        )
        self._local = local
        self._passwords = passwords
        self._factors = factors
        self._attempts = attempts
        self._news: News | None = None
        self._second_steps = Slips(store, "second-step", lifetimes.second_step, clock=clock)
        self._fingerprint_key = store.secret("second-step-passwords")

    def ask_first(self, news: News) -> None:
        """Have `news` asked what an identity provider says now of a session, before it is refreshed."""
        self._news = news

    async def login(self, tenant_slug: str, username: str, password: str, *, address: str = "local") -> SignedIn:
        """Exchange a password for tokens. `address` is where the attempt comes from.

        Raises:
            SignInRefused: they do not fit, or the account is locked.
            SecondFactorRequired: they do fit, and `second_factor` is the next step.
            PersonInactive, TenantInactive: they do fit, but may not be used.
            LocalSignInOff: the tenant has an identity provider; no password was looked at.
            TooManyAttempts: from this address, recently.
        """
        self._attempts.take(address)
        name = rules.folded(username)
        tenant = await self._tenant_named(tenant_slug)
        known = None
        if tenant is not None:
            async with self._store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
                closed = not self._local and await has_provider(session, tenant.id)
                known = await queries.person_named(session, tenant.id, name)
            if closed:
                await self._recorder.append(denied(tenant.id, "local off", Actor(), username=name, address=address))
                raise LocalSignInOff("People of this plant sign in with their company's account.")
        # Who came from an identity provider has no password; that takes as long to say.
        fits = await self._passwords.verify((known.password_hash or None) if known else None, password)
        if tenant is None or known is None:
            where = None if tenant is None else tenant.id
            await self._recorder.append(denied(where, "unknown", Actor(), username=name, address=address))
            raise SignInRefused
        renewed = (
            await self._passwords.hash(password) if fits and self._passwords.outdated(known.password_hash) else None
        )
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
            row = await queries.person_to_change(session, tenant.id, known.id)
            # A password that was replaced meanwhile no longer fits.
            fits = fits and row is not None and row.password_hash == known.password_hash
            refusal, why = await self._judged(session, row, tenant, fits=fits, wrong="wrong password")
            if refusal is not None or row is None:
                about = records.person(known)
                await self._recorder.append(denied(tenant.id, why, about, username=name, address=address))
            else:
                if renewed is not None:
                    row.password_hash = renewed
                if kinds := await self._factors.kinds(session, row.id):
                    # Failures stay counted: whoever has the password must not buy more guesses at codes with it.
                    refusal = SecondFactorRequired(self._second_step(row), kinds)
                    await self._recorder.append(happened("auth.password", tenant.id, records.person(row)))
                else:
                    signed_in = await self._begin(session, row, tenant)
        if refusal is not None:
            raise refusal
        self._attempts.give_back(address)
        return signed_in

    async def second_factor(self, answer: Answer, *, address: str = "local") -> SignedIn:
        """Answer the challenge of `SecondFactorRequired`, and get tokens.

        A wrong answer counts like a wrong password. The challenge serves until it is five minutes old, was answered
        rightly, or the password changed.

        Raises:
            TokenRefused: it is no such challenge, or too old.
            SecondFactorRefused: the answer does not fit or was used, or the account is locked.
            PersonInactive, TenantInactive: it may not be used now.
            TooManyAttempts: from this address, recently.
        """
        self._attempts.take(address)
        slip = self._second_steps.read(answer.challenge)
        tenant = await self._tenant(TenantId(UUID(slip.about["tenant"])))
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
            row = await queries.person_to_change(session, tenant.id, slip.subject)
            serves = row is not None and hmac.compare_digest(slip.about["password"], self._fingerprint(row))
            if row is None or not serves or await factor_store.is_spent(session, slip):
                raise TokenRefused("This step has expired.", hint="Begin again.")
            open_ = not rules.locked(row.locked_until, self._clock())
            fits = open_ and await self._factors.spend(session, row.id, answer)
            refusal, why = await self._judged(session, row, tenant, fits=fits, wrong="wrong code")
            if refusal is None:
                await factor_store.spend(session, slip, self._clock())
                signed_in = await self._begin(session, row, tenant, second_factor=answer.kind)
            else:
                about = records.person(row)
                await self._recorder.append(denied(tenant.id, why, about, address=address))
        if refusal is not None:
            raise SecondFactorRefused if isinstance(refusal, SignInRefused) else refusal
        self._attempts.give_back(address)
        return signed_in

    async def key_request(self, challenge: str, origin: str) -> dict[str, Any]:
        """What a browser asks a security key in the second step. Raises TokenRefused, KeyUnavailable."""
        return await self._factors.request(self._second_steps.read(challenge).subject, challenge, origin)

    async def _judged(
        self, session: AsyncSession, row: PersonRow | None, tenant: Tenant, *, fits: bool, wrong: str
    ) -> tuple[OutpostError | None, str]:
        """What becomes of the attempt, with a failure counted in `row`; the reason is for the record alone."""
        now = self._clock()
        if row is None:
            return SignInRefused(), "unknown"
        if rules.locked(row.locked_until, now):
            return SignInRefused(), "locked"
        if not fits:
            row.failures, row.locked_until = rules.after_failure(row.failures, row.locked_until, now)
            if rules.locked(row.locked_until, now):
                await telling.locked(session, row, now)
            return SignInRefused(), wrong
        if not tenant.is_active:
            return TenantInactive("Nobody can sign in to this plant now."), "tenant inactive"
        if not row.is_active:
            return PersonInactive("This account cannot be used now."), "person inactive"
        return None, "signed in"

    async def begin(self, session: AsyncSession, row: PersonRow, tenant: Tenant) -> SignedIn:
        """Open a session for somebody whom an identity provider vouches for, in the caller's transaction."""
        return await self._begin(session, row, tenant)

    async def _begin(self, session: AsyncSession, row: PersonRow, tenant: Tenant, **how: str) -> SignedIn:
        now = self._clock()
        row.failures, row.locked_until, row.last_login = 0, None, now
        await queries.forget_old_sessions(session, row.id, now)
        person = queries.person_of(row)
        lifetime = self._lifetimes.first if self._owes(person) else self._lifetimes.session
        opened = SessionRow(id=new_id(), person_id=row.id, created_at=now, expires_at=now + lifetime)
        session.add(opened)
        await session.flush()
        refresh = self._new_refresh(session, opened, now)
        await session.flush()
        await self._recorder.append(happened("auth.login", tenant.id, records.person(row, opened.id), **how))
        return self._signed_in(person, tenant.slug, opened.id, refresh)

    async def refresh(self, refresh_token: str) -> SignedIn:
        """Exchange a refresh token, once, for new tokens.

        Raises:
            SessionEnded: it is unknown, too old, or its session is over; used twice, it ends the session.
            PersonInactive, TenantInactive: the session may not go on.
        """
        refresh_hash = _hash(refresh_token)
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
            known = await queries.refresh_known(session, refresh_hash)
        if known is None:
            raise SessionEnded("The session has ended.")
        if self._news is not None and known.used_at is None:
            await self._news(known.session_id)
        refusal: OutpostError | None = None
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
            found = await queries.session_of(session, refresh_hash)
            if found is None:
                raise SessionEnded("The session has ended.")
            token, opened, row = found
            now, tenant = self._clock(), await self._tenant(TenantId(row.tenant_id))
            about = records.person(row, opened.id)
            if not await queries.use_refresh(session, refresh_hash, now):
                refusal = SessionEnded("The session was used from two places and has ended.")
                if await queries.end_session(session, opened.id, now):
                    await self._recorder.append(denied(tenant.id, "refresh token used twice", about))
            elif opened.ended_at is not None or min(token.expires_at, opened.expires_at) <= now:
                refusal = SessionEnded("The session has ended.")
            elif not row.is_active or not tenant.is_active:
                refusal = inactive(person=row.is_active)
                await self._recorder.append(denied(tenant.id, refusal.code, about))
            elif (refusal := await recheck(session, row, now)) is not None:
                await queries.end_session(session, opened.id, now)
                await self._recorder.append(denied(tenant.id, refusal.code, about))
            else:
                refresh = self._new_refresh(session, opened, now)
                await session.flush()
                await self._recorder.append(happened("auth.refresh", tenant.id, about))
        if refusal is not None:
            self._standing.forget()
            raise refusal
        return self._signed_in(queries.person_of(row), tenant.slug, opened.id, refresh)

    async def logout(self, principal: Principal) -> None:
        """End the session that the token belongs to, with all its tokens. Nothing to end is no error."""
        if principal.session_id is None:
            return
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
            if await queries.end_session(session, principal.session_id, self._clock()):
                about = records.principal(principal)
                await self._recorder.append(happened("auth.logout", principal.tenant_id, about))
        self._standing.forget()

    def _signed_in(self, person: Person, tenant_slug: str, session_id: UUID, refresh: str) -> SignedIn:
        claims = Claims(person.id, person.tenant_id, person.role, session=session_id)
        return SignedIn(
            person=person,
            tenant_slug=tenant_slug,
            access_token=self._tokens.issue(claims, self._lifetimes.access),
            expires_in=int(self._lifetimes.access.total_seconds()),
            refresh_token=refresh,
            session_id=session_id,
            must_change=self._owes(person),
        )

    def _second_step(self, row: PersonRow) -> str:
        about = {"tenant": str(row.tenant_id), "password": self._fingerprint(row)}
        return self._second_steps.issue(row.id, about)

    def _fingerprint(self, row: PersonRow) -> str:
        """Which password a challenge was earned with, told by nobody but this node."""
        return hmac.digest(self._fingerprint_key, row.password_hash.encode(), "sha256").hex()[:32]

    def _new_refresh(self, session: AsyncSession, opened: SessionRow, now: dt.datetime) -> str:
        token = secrets.token_urlsafe(32)
        expires = now + self._lifetimes.idle  # or with its session
        session.add(RefreshTokenRow(hash=_hash(token), session_id=opened.id, expires_at=expires))
        return token


def _hash(refresh_token: str) -> str:
    return hashlib.sha256(refresh_token.encode()).hexdigest()
