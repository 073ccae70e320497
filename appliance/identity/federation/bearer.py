"""Tokens of an identity provider on the API itself: the same people, rights and records as with a sign-in of our own.

    header says RS256, PS256 or ES256 ──> provider by issuer and audience ──> key ──> claims ──> tenant ──> person
    anything else                     ──> our own tokens

The person is read anew every two seconds; a token that brings something new about them is a sign-in and is recorded.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, Protocol

from appliance.audit.values import NewRecord
from appliance.errors import OutpostError
from appliance.identity import records
from appliance.identity.duties import duties_on, from_json
from appliance.identity.errors import PersonInactive, TenantInactive
from appliance.identity.federation import claims as meaning
from appliance.identity.federation import people, tokens
from appliance.identity.federation import store as queries
from appliance.identity.federation.errors import NameHeld, NoRoleHere, NoSecondFactor, NotInvited, OutsideRefused
from appliance.identity.federation.keys import Keys
from appliance.identity.federation.providers import Providers
from appliance.identity.federation.values import Outsider, Provider
from appliance.identity.ports import Memberships, NoTeams, Records
from appliance.identity.records import Actor, denied, happened
from appliance.identity.tables import PersonRow
from appliance.identity.values import DEFAULT_LIFETIMES, Clock, Lifetimes, utc_now
from appliance.store import CONTROL, Principal, Purpose, Store, Tenant

REMEMBERED_SECONDS: Final = 2.0
REFUSED_SECONDS: Final = 10.0
"""A refusal is durable in the record; a page that polls must not fill it."""
TOKENS: Final = 2048


class Verifier:
    """Holds tokens against the settings of the tenants and the keys of their issuers."""

    def __init__(
        self, providers: Providers, keys: Keys, *, lifetimes: Lifetimes = DEFAULT_LIFETIMES, clock: Clock = utc_now
    ) -> None:
        self._providers, self._keys = providers, keys
        self._leeway, self._clock = lifetimes.leeway, clock

    async def claims(self, token: str, provider: Provider, audience: str) -> dict[str, Any]:
        """What a token of this provider says. Raises OutsideRefused."""
        seen = tokens.seen(token)
        if seen.issuer != provider.issuer:
            raise OutsideRefused("claim iss")
        known = {one.issuer for one in await self._providers.enabled() if one.kind == "oidc"}
        key = await self._keys.find(provider.issuer, seen.kid, only=known == {provider.issuer})
        if key is None:
            raise OutsideRefused("no key with this label")
        return tokens.verified(
            token, key, issuer=provider.issuer, audience=audience, now=self._clock(), leeway=self._leeway
        )

    async def bearer(self, token: str, tenants: list[Tenant]) -> tuple[Provider, Tenant, dict[str, Any]]:
        """Whose token this is: the one tenant whose settings and whose name it fits. Raises OutsideRefused."""
        issuer = tokens.seen(token).issuer
        fitting: list[tuple[Provider, Tenant, dict[str, Any]]] = []
        why = OutsideRefused("an unknown issuer")
        for provider in await self._providers.enabled():
            tenant = next((one for one in tenants if one.id == provider.tenant_id), None)
            if provider.kind != "oidc" or provider.issuer != issuer or tenant is None:
                continue
            try:
                found = await self.claims(token, provider, provider.audience or provider.client_id)
                meaning.check_tenant(found, provider, slug=tenant.slug)
            except OutsideRefused as refused:
                why = refused
                continue
            fitting.append((provider, tenant, found))
        if len(fitting) != 1:
            raise why if not fitting else OutsideRefused("fits several tenants")
        return fitting[0]


class Own(Protocol):
    """The way in of the appliance itself."""

    async def authenticate(self, token: str, *, kiosk_token: str | None = None) -> Principal:
        """Raises Unauthenticated."""

    async def owner(self, tenant_slug: str | None) -> Principal:
        """The owner of the data directory."""

    async def turn_away(self, principal: Principal) -> None:
        """Raises PasswordOwed."""


class Identities:
    """Who is behind a token, whoever made it.

    Args:
        admins_need_factor: the token of an admin must say that its issuer asked for a second factor.
        monotonic: seconds that only grow.
    """

    def __init__(
        self,
        own: Own,
        verifier: Verifier,
        store: Store,
        recorder: Records,
        *,
        admins_need_factor: bool,
        memberships: Memberships | None = None,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._admins_need_factor = admins_need_factor
        self._own, self._verifier, self._store, self._recorder = own, verifier, store, recorder
        self._clock, self._monotonic = clock, monotonic
        self._memberships = memberships or NoTeams()
        self._known: OrderedDict[bytes, tuple[float, Principal | OutpostError]] = OrderedDict()

    async def owner(self, tenant_slug: str | None) -> Principal:
        return await self._own.owner(tenant_slug)

    async def turn_away(self, principal: Principal) -> None:
        await self._own.turn_away(principal)

    async def authenticate(self, token: str, *, kiosk_token: str | None = None) -> Principal:
        """Who the token belongs to, with the rights they have now.

        Raises:
            OutsideRefused: it does not verify, or speaks of another tenant.
            NoRoleHere, NotInvited, NoSecondFactor, NameHeld, PersonInactive, TenantInactive: it does, but its person may
                not come in.
            Unauthenticated: as the appliance's own way in raises it.
        """
        if not tokens.from_outside(token):
            return await self._own.authenticate(token, kiosk_token=kiosk_token)
        hashed, now = hashlib.sha256(token.encode()).digest(), self._monotonic()
        known = self._known.get(hashed)
        if known is None or now >= known[0]:
            known = await self._found(token, now)
            self._known[hashed] = known
            self._known.move_to_end(hashed)
            while len(self._known) > TOKENS:
                self._known.popitem(last=False)
        if isinstance(known[1], OutpostError):
            raise known[1]
        return known[1]

    async def _found(self, token: str, now: float) -> tuple[float, Principal | OutpostError]:
        try:
            return now + REMEMBERED_SECONDS, await self._principal(token)
        except (NoRoleHere, NotInvited, NoSecondFactor, NameHeld, PersonInactive) as refusal:
            return now + REFUSED_SECONDS, refusal

    async def _principal(self, token: str) -> Principal:
        provider, tenant, claims = await self._verifier.bearer(token, await self._store.tenants())
        if not tenant.is_active:
            raise TenantInactive("This plant is switched off.")
        outsider = meaning.outsider(claims, provider)
        role = meaning.role(outsider.groups, provider.groups, provider.default_role)
        if self._admins_need_factor and role == "admin" and not meaning.says_second_factor(claims):
            await self._recorder.append(denied(provider.tenant_id, "no second factor", Actor()))
            raise NoSecondFactor("The identity provider does not say that it asked for a second factor.")
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
            known = await queries.known_outsider(session, provider.tenant_id, outsider.external_id)
        if known is None or _is_news(known, provider, outsider):
            person = await self._signed_in(provider, outsider)
        else:
            person = known[1]
        return Principal(
            id=person.id,
            kind="person",
            tenant_id=provider.tenant_id,
            name=person.username,
            role=person.role,  # type: ignore[arg-type]  # the column holds nothing else
            clearance=person.clearance,
            eligibility=frozenset(person.export_eligibility),
            duties=duties_on(from_json(person.duties), self._clock().date()),
            teams=await self._memberships.of(person.id),
        )

    async def _signed_in(self, provider: Provider, outsider: Outsider) -> PersonRow:
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
            judged = await people.judged(session, provider, outsider, self._clock())
            await session.flush()
            await self._recorder.append(record(provider, judged, "bearer"))
        return accepted(judged)


def accepted(judged: people.Judged) -> PersonRow:
    """The person. Raises why not."""
    if judged.refusal is not None:
        raise judged.refusal
    if judged.person is None:
        raise OutpostError("Nobody was found and nobody refused.")
    return judged.person


def record(provider: Provider, judged: people.Judged, way: str) -> NewRecord:
    """What the record says of a sign-in by a provider."""
    actor = Actor() if judged.person is None else records.person(judged.person)
    if judged.refusal is not None:
        return denied(provider.tenant_id, judged.why, actor)
    return happened("auth.login", provider.tenant_id, actor, way=way, new=int(judged.is_new))


def _is_news(known: tuple[Any, PersonRow], provider: Provider, outsider: Outsider) -> bool:
    """Whether a token brings something new, or the person may no longer be what they were: then it is a sign-in anew."""
    outside, person = known
    role = meaning.role(outside.groups, provider.groups, provider.default_role)
    return (
        outside.issuer != outsider.issuer
        or outside.kind != provider.kind
        or outsider.said_at > outside.said_at
        or role != person.role
        or not person.is_active
    )
