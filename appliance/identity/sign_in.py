"""Signing in: passwords for tokens, tokens for principals.

    login ──> access token (15 min) + refresh token (one use) ──> refresh ──> ... ──> logout, or 12 h without use
                                          └─ used again: stolen or copied, so the whole session ends

A sign-in is recorded before its transaction commits; if the record cannot be written, nobody signs in. What an unknown
name, a wrong password and a locked account answer is the same, and takes as long.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from appliance.errors import OutpostError
from appliance.identity import records, rules
from appliance.identity import store as queries
from appliance.identity.errors import (
    NoTenant,
    PersonInactive,
    SessionEnded,
    SignInRefused,
    TenantInactive,
    TokenRefused,
)
from appliance.identity.federation.people import recheck
from appliance.identity.limits import Attempts
from appliance.identity.passwords import Passwords
from appliance.identity.ports import Records
from appliance.identity.records import Actor, denied, happened
from appliance.identity.standing import Standing
from appliance.identity.tables import PersonRow, RefreshTokenRow, SessionRow
from appliance.identity.tokens import Claims, Tokens
from appliance.identity.values import DEFAULT_LIFETIMES, Clock, Lifetimes, Person, SignedIn, utc_now
from appliance.store import CONTROL, Principal, Purpose, Store, Tenant, TenantId, new_id

SECRET: Final = "token-signing"  # noqa: S105 - the name of a secret
OWNER_NAME: Final = "owner"
DENIALS: Final = 1024


class SignIn:
    """Sign-in, refresh and sign-out of people, and who a token belongs to.

    Args:
        passwords: shared with `People`; whoever made it closes it.
        attempts: shared with `Kiosks`, so that an address has one budget.
    """

    def __init__(
        self,
        store: Store,
        recorder: Records,
        *,
        passwords: Passwords,
        attempts: Attempts,
        lifetimes: Lifetimes = DEFAULT_LIFETIMES,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._passwords = passwords
        self._attempts = attempts
        self._lifetimes = lifetimes
        self._clock = clock
        self._tokens = Tokens(store.signing(SECRET), lifetimes=lifetimes, clock=clock)
        self._standing = Standing(store, clock=clock)
        self._denied: dict[UUID, dt.datetime] = {}

    async def login(self, tenant_slug: str, username: str, password: str, *, address: str = "local") -> SignedIn:
        """Exchange a password for tokens. `address` is where the attempt comes from.

        Raises:
            SignInRefused: they do not fit, or the account is locked.
            PersonInactive, TenantInactive: they do fit, but may not be used.
            TooManyAttempts: from this address, recently.
        """
        self._attempts.take(address)
        name = rules.folded(username)
        tenant = await self._tenant_named(tenant_slug)
        known = None
        if tenant is not None:
            async with self._store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
                known = await queries.person_named(session, tenant.id, name)
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
            refusal, why = self._judged(row, tenant, fits=fits)
            if refusal is not None or row is None:
                about = records.person(known)
                await self._recorder.append(denied(tenant.id, why, about, username=name, address=address))
            else:
                if renewed is not None:
                    row.password_hash = renewed
                signed_in = await self._begin(session, row, tenant)
        if refusal is not None:
            raise refusal
        self._attempts.give_back(address)
        return signed_in

    def _judged(self, row: PersonRow | None, tenant: Tenant, *, fits: bool) -> tuple[OutpostError | None, str]:
        """What becomes of the attempt, with the failures counted in `row`; the reason is for the record alone."""
        now = self._clock()
        if row is None:
            return SignInRefused(), "unknown"
        if rules.locked(row.locked_until, now):
            return SignInRefused(), "locked"
        if not fits:
            row.failures, row.locked_until = rules.after_failure(row.failures, row.locked_until, now)
            return SignInRefused(), "wrong password"
        row.failures, row.locked_until = 0, None
        if not tenant.is_active:
            return TenantInactive("Nobody can sign in to this plant now."), "tenant inactive"
        if not row.is_active:
            return PersonInactive("This account cannot be used now."), "person inactive"
        row.last_login = now
        return None, "signed in"

    async def begin(self, session: AsyncSession, row: PersonRow, tenant: Tenant) -> SignedIn:
        """Open a session for somebody whom an identity provider vouches for, in the caller's transaction."""
        return await self._begin(session, row, tenant)

    async def _begin(self, session: AsyncSession, row: PersonRow, tenant: Tenant) -> SignedIn:
        now = self._clock()
        await queries.forget_old_sessions(session, row.id, now)
        opened = SessionRow(id=new_id(), person_id=row.id, created_at=now, expires_at=now + self._lifetimes.session)
        session.add(opened)
        await session.flush()
        refresh = self._new_refresh(session, opened, now)
        await session.flush()
        person = queries.person_of(row)
        await self._recorder.append(happened("auth.login", tenant.id, records.person(row, opened.id)))
        return self._signed_in(person, tenant.slug, opened.id, refresh)

    async def refresh(self, refresh_token: str) -> SignedIn:
        """Exchange a refresh token, once, for new tokens.

        Raises:
            SessionEnded: it is unknown, too old, or its session is over; used twice, it ends the session.
            PersonInactive, TenantInactive: the session may not go on.
        """
        refresh_hash = _hash(refresh_token)
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
            if not await queries.refresh_known(session, refresh_hash):
                raise SessionEnded("The session has ended.")
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
                refusal = _inactive(person=row.is_active)
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

    async def authenticate(self, token: str) -> Principal:
        """Who the token belongs to, with the rights they have now, whatever they had when it was made.

        Raises:
            TokenRefused: not ours, altered or expired.
            SessionEnded, KioskRefused: signed out, withdrawn or revoked.
            PersonInactive, TenantInactive: switched off.
        """
        claims = self._tokens.read(token)
        principal = await self._kiosk(claims) if claims.kiosk is not None else await self._person(claims)
        if principal.id != claims.subject or principal.tenant_id != claims.tenant_id:
            raise TokenRefused("The token is not valid, or not any more.")
        if not (await self._tenant(principal.tenant_id)).is_active:
            await self._deny_once(principal, "tenant inactive")
            raise _inactive(person=True)
        return principal

    async def _person(self, claims: Claims) -> Principal:
        if claims.session is None:
            raise TokenRefused("The token is not valid, or not any more.")
        person = await self._standing.person(claims.session)
        principal = Principal(
            id=person.id,
            kind="person",
            tenant_id=person.tenant_id,
            name=person.username,
            role=person.role,
            clearance=person.clearance,
            scopes=claims.scopes,
            session_id=claims.session,
        )
        if not person.is_active:
            await self._deny_once(principal, "person inactive")
            raise _inactive(person=False)
        return principal

    async def _kiosk(self, claims: Claims) -> Principal:
        kiosk = await self._standing.kiosk(claims.subject)
        return Principal(
            id=kiosk.id,
            kind="kiosk",
            tenant_id=kiosk.tenant_id,
            name=kiosk.name,
            role="viewer",
            clearance=kiosk.clearance,
            scopes=claims.scopes,
            kiosk_id=kiosk.id,
        )

    async def owner(self, tenant_slug: str | None) -> Principal:
        """The owner of the data directory, as an admin of the named tenant, or of the first that is active.

        Raises:
            NoTenant: there is none.
            TenantInactive: the named one is switched off.
        """
        tenants = await self._standing.tenants()
        if tenant_slug is None:
            tenant = next((one for one in tenants if one.is_active), None)
        else:
            tenant = await self._tenant_named(tenant_slug)
        if tenant is None:
            raise NoTenant("This data directory has no such tenant.")
        if not tenant.is_active:
            raise _inactive(person=True)
        identity = UUID(bytes=self._store.secret("owner-id")[:16], version=4)
        return Principal(identity, "owner", tenant.id, OWNER_NAME, "admin", rules.CLEARANCES["admin"])

    async def person_of(self, principal: Principal) -> tuple[str, str]:
        """The name that the principal is shown with, and the short name of its tenant."""
        tenant = await self._tenant(principal.tenant_id)
        if principal.kind != "person" or principal.session_id is None:
            return principal.name, tenant.slug
        return (await self._standing.person(principal.session_id)).display_name, tenant.slug

    def _signed_in(self, person: Person, tenant_slug: str, session_id: UUID, refresh: str) -> SignedIn:
        claims = Claims(person.id, person.tenant_id, person.role, session=session_id)
        return SignedIn(
            person=person,
            tenant_slug=tenant_slug,
            access_token=self._tokens.issue(claims, self._lifetimes.access),
            expires_in=int(self._lifetimes.access.total_seconds()),
            refresh_token=refresh,
        )

    def _new_refresh(self, session: AsyncSession, opened: SessionRow, now: dt.datetime) -> str:
        token = secrets.token_urlsafe(32)
        expires = min(now + self._lifetimes.idle, opened.expires_at)
        session.add(RefreshTokenRow(hash=_hash(token), session_id=opened.id, expires_at=expires))
        return token

    async def _tenant_named(self, slug: str) -> Tenant | None:
        wanted = rules.folded(slug)
        return next((tenant for tenant in await self._standing.tenants() if tenant.slug == wanted), None)

    async def _tenant(self, tenant_id: TenantId) -> Tenant:
        return await self._standing.tenant(tenant_id)

    async def _deny_once(self, principal: Principal, why: str) -> None:
        """Record the denial, at most once a minute for each principal: a page that polls must not fill the record."""
        now = self._clock()
        last = self._denied.get(principal.id)
        if last is not None and last <= now < last + dt.timedelta(minutes=1):
            return
        if len(self._denied) >= DENIALS:
            self._denied.clear()
        self._denied[principal.id] = now
        await self._recorder.append(denied(principal.tenant_id, why, records.principal(principal)))


def _inactive(*, person: bool) -> PersonInactive | TenantInactive:
    """The tenant is off if the person is not."""
    return TenantInactive("This plant is switched off.") if person else PersonInactive("This account is switched off.")


def _hash(refresh_token: str) -> str:
    return hashlib.sha256(refresh_token.encode()).hexdigest()
