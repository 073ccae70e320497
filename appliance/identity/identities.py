"""Who is behind a token, with the rights they have now, whatever they had when it was made."""

from __future__ import annotations

import datetime as dt
from typing import Final
from uuid import UUID

from appliance.errors import Forbidden
from appliance.identity import api_key_store, api_keys, records, rules
from appliance.identity import store as queries
from appliance.identity.duties import NARROWING, duties_on
from appliance.identity.errors import (
    KeyRefused,
    KioskRefused,
    NoTenant,
    PersonInactive,
    SessionEnded,
    TenantInactive,
    TokenRefused,
)
from appliance.identity.ports import Memberships, Records
from appliance.identity.records import denied
from appliance.identity.standing import Standing
from appliance.identity.tokens import Claims, Tokens
from appliance.identity.values import DEFAULT_LIFETIMES, AtKiosk, Clock, Kiosk, Lifetimes, Person, utc_now
from appliance.store import CONTROL, Principal, Purpose, Store, Tenant, TenantId

SECRET: Final = "token-signing"  # noqa: S105 - the name of a secret
OWNER_NAME: Final = "owner"
DENIALS: Final = 1024


class PasswordOwed(Forbidden):
    """Somebody else made the password, so that the session serves for nothing but choosing another."""

    code, title = "password-change-required", "Choose your own password first"
    hint = "Sign in at the console and choose one there, or with PUT /v1/auth/password; then everything else opens."


class Identities:
    """Turns tokens into principals, for one process.

    Args:
        admins_need_factor: an admin without a second factor may do nothing but enrol one.
        own_passwords: whose password somebody else made may do nothing but choose another.
    """

    def __init__(
        self,
        store: Store,
        recorder: Records,
        *,
        admins_need_factor: bool,
        own_passwords: bool,
        lifetimes: Lifetimes = DEFAULT_LIFETIMES,
        clock: Clock = utc_now,
        memberships: Memberships | None = None,
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._admins_need_factor = admins_need_factor
        self._own_passwords = own_passwords
        self._lifetimes = lifetimes
        self._clock = clock
        self._tokens = Tokens(store.signing(SECRET), lifetimes=lifetimes, clock=clock)
        self._standing = Standing(store, clock=clock, memberships=memberships)
        self._api_key_hashes = store.secret(api_keys.SECRET)
        self._denied: dict[UUID, dt.datetime] = {}

    async def authenticate(self, token: str, *, kiosk_token: str | None = None) -> Principal:
        """Who the token belongs to, with the rights they have now, whatever they had when it was made.

        A person's token of a kiosk works beside a token of that kiosk alone.

        Raises:
            TokenRefused: not ours, altered or expired.
            SessionEnded, KioskRefused, KeyRefused: signed out, withdrawn or revoked.
            PersonInactive, TenantInactive: switched off.
        """
        principal = (
            await self._service(token) if token.startswith(api_keys.MARK) else await self._holder(token, kiosk_token)
        )
        if not (await self._tenant(principal.tenant_id)).is_active:
            await self._deny_once(principal, "tenant inactive")
            raise inactive(person=True)
        return principal

    async def _holder(self, token: str, kiosk_token: str | None) -> Principal:
        claims = self._tokens.read(token)
        if claims.session is not None:
            principal = await self._person(claims, claims.session, kiosk_token)
        elif claims.kiosk is not None:
            principal = await self._kiosk(claims)
        else:
            raise TokenRefused("The token is not valid, or not any more.")
        if principal.id != claims.subject or principal.tenant_id != claims.tenant_id:
            raise TokenRefused("The token is not valid, or not any more.")
        return principal

    async def _service(self, token: str) -> Principal:
        prefix = api_keys.prefix_of(token)
        key = None if prefix is None else await self._standing.api_key(prefix)
        if key is None or not api_keys.fits(self._api_key_hashes, key, token):
            raise KeyRefused
        now = self._clock()
        principal = Principal(
            key.id, "service", key.tenant_id, key.name, key.role, key.clearance, key.scopes,
            duties=key.duties | (duties_on(key.maker_duties, now.date()) & NARROWING),
        )  # fmt: skip
        if not key.is_active or now >= key.expires_at or not key.scopes:
            await self._deny_once(principal, "api key over")
            raise KeyRefused
        hour = now.replace(minute=0, second=0, microsecond=0)
        if key.last_used_at != hour:
            # To the hour, so that a busy program does not write with each request.
            async with self._store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
                await api_key_store.used(session, key.id, hour)
            self._standing.forget_one(("key", key.prefix))
        return principal

    async def _person(self, claims: Claims, session_id: UUID, kiosk_token: str | None) -> Principal:
        person, at = await self._standing.session(session_id)
        if claims.kiosk != (None if at is None else at.kiosk_id):
            raise TokenRefused("The token is not valid, or not any more.")
        role, clearance, eligibility = person.role, person.clearance, person.export_eligibility
        owes = at is None and self._owes(person)
        duties = duties_on(person.duties, self._clock().date())
        teams = await self._standing.teams(person.id) if at is None else frozenset()
        if at is not None:
            kiosk = await self._beside(at, session_id, kiosk_token)
            role = person.role if at.with_pin else "viewer"
            clearance, eligibility, duties = min(clearance, kiosk.clearance), frozenset(), duties & NARROWING
        principal = Principal(
            id=person.id,
            kind="person",
            tenant_id=person.tenant_id,
            name=person.username,
            role=role,
            clearance=clearance,
            scopes=rules.WITHOUT_PASSWORD if owes else await self._scopes(claims, person.id, role),
            session_id=session_id,
            kiosk_id=claims.kiosk,
            eligibility=eligibility,
            duties=duties,
            teams=teams,
            must_change=owes,
        )
        if not person.is_active:
            await self._deny_once(principal, "person inactive")
            raise inactive(person=False)
        return principal

    def _owes(self, person: Person) -> bool:
        """Whether a sign-in with the password is good for choosing another alone; a badge or a PIN is not the password."""
        return self._own_passwords and person.must_change

    async def turn_away(self, principal: Principal) -> None:
        """Refuse, on the record, who has to choose a password first. Raises PasswordOwed."""
        await self._deny_once(principal, PasswordOwed.code)
        raise PasswordOwed("Your password was made by somebody else; only choosing your own is open yet.")

    async def _beside(self, at: AtKiosk, session_id: UUID, kiosk_token: str | None) -> Kiosk:
        """The kiosk of a person's session, which must speak too; the session is then seen, to the minute.

        Raises:
            KioskRefused: its own token is missing, is another's, or it was revoked.
            SessionEnded: ten minutes without use.
        """
        beside = None if kiosk_token is None else self._tokens.read(kiosk_token)
        if beside is None or beside.session is not None or beside.kiosk != at.kiosk_id or beside.subject != at.kiosk_id:
            raise KioskRefused("A badge works at the kiosk where it was read.")
        kiosk, now = await self._standing.kiosk(at.kiosk_id), self._clock()
        if now >= at.seen_at + self._lifetimes.at_kiosk_idle:
            raise SessionEnded("The session has ended.")
        if not at.seen_at <= now < at.seen_at + dt.timedelta(minutes=1):
            async with self._store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
                await queries.seen(session, session_id, now)
            self._standing.forget_one(session_id)
        return kiosk

    async def _scopes(self, claims: Claims, person_id: UUID, role: str) -> frozenset[str]:
        if self._admins_need_factor and role == "admin" and not await self._standing.has_factor(person_id):
            return rules.WITHOUT_FACTOR
        return claims.scopes

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
            raise inactive(person=True)
        return owner_in(self._store, tenant.id)

    async def person_of(self, principal: Principal) -> tuple[str, str]:
        """The name that the principal is shown with, and the short name of its tenant."""
        tenant = await self._tenant(principal.tenant_id)
        if principal.kind != "person" or principal.session_id is None:
            return principal.name, tenant.slug
        return (await self._standing.person(principal.session_id)).display_name, tenant.slug

    def forget(self) -> None:
        """Ask the database anew at the next question: something about somebody has just changed."""
        self._standing.forget()

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


def inactive(*, person: bool) -> PersonInactive | TenantInactive:
    """The tenant is off if the person is not."""
    return TenantInactive("This plant is switched off.") if person else PersonInactive("This account is switched off.")


def owner_in(store: Store, tenant_id: TenantId) -> Principal:
    """The owner of the data directory, as an admin of the tenant."""
    identity = UUID(bytes=store.secret("owner-id")[:16], version=4)
    return Principal(
        identity, "owner", tenant_id, OWNER_NAME, "admin", rules.CLEARANCES["admin"], eligibility=rules.EXPORT_REGIMES
    )
