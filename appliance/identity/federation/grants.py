"""What a provider says of somebody while their session goes on: asked at each refresh, if it gave a refresh token.

    our refresh ─ grant of the session ─> token endpoint ─┬─ ID token, or userinfo ──> groups, name, role
                                                          ├─ invalid_grant ──────────> the session ends
                                                          └─ no answer ──────────────> for a day what it said last counts

The provider's refresh token (OpenID Connect Core, 12) is sealed under a key of the node, bound to its session, and goes
with it. A session without one ends half a day after it began, so that its person is asked about at the next sign-in.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from appliance.identity import records
from appliance.identity import store as people_queries
from appliance.identity.federation import claims as meaning
from appliance.identity.federation import people, tokens
from appliance.identity.federation import store as queries
from appliance.identity.federation.asking import TokenEndpoint, endpoint
from appliance.identity.federation.bearer import Verifier
from appliance.identity.federation.errors import AddressNotListed, OutsideRefused, ProviderUnreachable
from appliance.identity.federation.journeys import Seals
from appliance.identity.federation.keys import IssuerKeys
from appliance.identity.federation.providers import Providers
from appliance.identity.federation.reach import Reach
from appliance.identity.federation.tables import GrantRow
from appliance.identity.federation.values import Outsider, Provider
from appliance.identity.ports import Records
from appliance.identity.records import denied, happened
from appliance.identity.values import Clock, utc_now
from appliance.store import CONTROL, Purpose, Store, TenantId

UNASKED: Final = dt.timedelta(hours=24)
"""For so long a session goes on while its provider is away; keys that were fetched from it count as long."""
WITHOUT: Final = dt.timedelta(hours=12)
"""How long a session lasts whose provider cannot be asked again, as none of SAML can: a shift, and the talk after it."""
AGAIN_SECONDS: Final = 60.0
"""Who waits for a refresh does not wait for a provider that gave no answer a moment ago."""
LONGEST: Final = 16 * 1024


class Grants:
    """Keeps what providers gave for sessions, and asks them anew.

    Args:
        monotonic: seconds that only grow.
    """

    def __init__(
        self,
        store: Store,
        recorder: Records,
        providers: Providers,
        issuers: IssuerKeys,
        verifier: Verifier,
        reach: Reach,
        *,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._recorder, self._providers = store, recorder, providers
        self._issuers, self._verifier, self._reach = issuers, verifier, reach
        self._endpoint = TokenEndpoint(providers, reach)
        self._clock, self._monotonic = clock, monotonic
        self._seals = Seals(store.secret("provider-grants"))
        self._turns: weakref.WeakValueDictionary[UUID, asyncio.Lock] = weakref.WeakValueDictionary()
        self._silent: dict[str, float] = {}

    async def keep(self, session: AsyncSession, session_id: UUID, token: str | None) -> None:
        """Bind what the provider gave to a session that begins; without anything the session is a short one."""
        if token is None or len(token) > LONGEST:
            await people_queries.lasts(session, session_id, WITHOUT)
            return
        session.add(GrantRow(session_id=session_id, sealed=self._sealed(session_id, token), asked_at=self._clock()))

    async def renew(self, session_id: UUID) -> None:
        """Learn what the provider says now; the role follows, and a grant that is over ends the session."""
        turn = self._turns.setdefault(session_id, asyncio.Lock())
        async with turn:
            async with self._store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
                found = await queries.grant_of(session, session_id)
            if found is None:
                return
            grant, issuer, external_id, tenant_id = found
            try:
                provider = await self._provider(tenant_id, issuer)
                outsider, token = await self._asked(provider, external_id, self._opened(grant))
            except (ProviderUnreachable, AddressNotListed):
                if self._clock() >= grant.asked_at + UNASKED:
                    await self._end(grant, tenant_id, "the provider was away for a day")
            except OutsideRefused as refused:
                await self._end(grant, tenant_id, refused.why)
            else:
                await self._follow(provider, outsider, session_id, token)

    async def _provider(self, tenant_id: TenantId, issuer: str) -> Provider:
        for one in await self._providers.enabled():
            if (one.tenant_id, one.kind, one.issuer) == (tenant_id, "oidc", issuer):
                return one
        raise OutsideRefused("the provider is not used here any more")

    async def _asked(self, provider: Provider, external_id: str, token: str) -> tuple[Outsider, str | None]:
        """Whom the provider vouches for now, and the refresh token that it gave in place of the one before.

        Raises:
            OutsideRefused: the grant is over, or what came does not verify.
            ProviderUnreachable, AddressNotListed: it could not be asked.
        """
        now = self._monotonic()
        if now < self._silent.get(provider.issuer, 0.0):
            raise ProviderUnreachable("The identity provider gave no answer a moment ago.")
        try:
            metadata = await self._issuers.metadata(provider.issuer)
            form = {"grant_type": "refresh_token", "refresh_token": token}
            answer = await self._endpoint.ask(provider, metadata, form)
            if answer.status == 400 and answer.body.get("error") == "invalid_grant":
                raise OutsideRefused("the provider ended it")
            if answer.status != 200:
                raise ProviderUnreachable("The identity provider gave no tokens.")
            outsider = await self._said(provider, metadata, answer.body)
        except ProviderUnreachable:
            self._silent[provider.issuer] = now + AGAIN_SECONDS
            raise
        if outsider.external_id != external_id:
            raise OutsideRefused("somebody else")
        given = answer.body.get("refresh_token")
        return outsider, given if isinstance(given, str) and len(given) <= LONGEST else None

    async def _said(self, provider: Provider, metadata: dict[str, Any], body: dict[str, Any]) -> Outsider:
        id_token, access_token = body.get("id_token"), body.get("access_token")
        if isinstance(id_token, str):
            claims = await self._verifier.claims(id_token, provider, provider.client_id)
            tokens.check_party(claims, provider.client_id)
            meaning.check_tenant(claims, provider, slug=await self._slug(provider.tenant_id))
            return meaning.outsider(claims, provider)
        if not isinstance(access_token, str):
            raise ProviderUnreachable("The identity provider gave no tokens.")
        # It says nothing of tenants or of when: its answer is to a token that was given for this session alone.
        said = await self._reach.get(endpoint(metadata, "userinfo_endpoint"), bearer=access_token)
        if said.status != 200:
            raise ProviderUnreachable("The identity provider does not say who it is.")
        return meaning.outsider({**said.body, "iat": int(self._clock().timestamp())}, provider)

    async def _follow(self, provider: Provider, outsider: Outsider, session_id: UUID, token: str | None) -> None:
        now = self._clock()
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
            grant = await session.get(GrantRow, session_id)
            if grant is None:  # signed out meanwhile
                return
            grant.asked_at = now
            if token is not None:
                grant.sealed = self._sealed(session_id, token)
            before = await queries.known_outsider(session, provider.tenant_id, outsider.external_id)
            if before is None:
                return
            role, last_login = before[1].role, before[1].last_login
            # It was said just now, whatever the clocks of the two are.
            outsider = replace(outsider, said_at=max(outsider.said_at, before[0].said_at))
            judged = await people.judged(session, provider, outsider, now)
            if judged.person is not None:
                judged.person.last_login = last_login
                actor = records.person(judged.person, session_id)
                if judged.refusal is not None:
                    await self._recorder.append(denied(provider.tenant_id, judged.why, actor))
                elif judged.person.role != role:
                    what = {"role_before": role, "role": judged.person.role}
                    await self._recorder.append(happened("auth.role", provider.tenant_id, actor, **what))

    async def _end(self, grant: GrantRow, tenant_id: TenantId, why: str) -> None:
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
            found = await people_queries.person_and_session(session, grant.session_id)
            if found is not None and await people_queries.end_session(session, grant.session_id, self._clock()):
                actor = records.person(found[0], grant.session_id)
                await self._recorder.append(denied(tenant_id, why, actor))

    async def _slug(self, tenant_id: TenantId) -> str:
        return next((one.slug for one in await self._store.tenants() if one.id == tenant_id), "")

    def _sealed(self, session_id: UUID, token: str) -> bytes:
        return self._seals.seal(f"grant {session_id}", {"token": token})

    def _opened(self, grant: GrantRow) -> str:
        return str(self._seals.open(f"grant {grant.session_id}", grant.sealed)["token"])
