"""Whoever a provider has vouched for arrives: once, in the browser that left, and gets a session of ours.

    arrived    state or assertion spent ─ person found or made ─ recorded ─ ticket ──> code, for the fragment
    exchanged  code and cookie ─ ticket taken ─ still active? ─ session, recorded ──> our own tokens

Tokens of ours never stand in an address. A code works once, within a minute, in the browser that the cookie is in.
"""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any, Final
from uuid import UUID

from appliance.errors import OutpostError
from appliance.identity import store as people_queries
from appliance.identity.errors import PersonInactive, TenantInactive
from appliance.identity.federation import people
from appliance.identity.federation import store as queries
from appliance.identity.federation.bearer import accepted
from appliance.identity.federation.errors import NotOffered, OutsideRefused
from appliance.identity.federation.grants import Grants
from appliance.identity.federation.journeys import LASTS, Journey, Seals, hashed
from appliance.identity.federation.tables import TicketRow
from appliance.identity.federation.values import Outsider, Provider
from appliance.identity.limits import Attempts
from appliance.identity.ports import Records
from appliance.identity.records import Actor, denied, happened, person, principal
from appliance.identity.sign_in import SignIn
from appliance.identity.values import Clock, SignedIn, utc_now
from appliance.store import CONTROL, Principal, Purpose, Store, Tenant

CODE_LASTS: Final = dt.timedelta(minutes=1)
CODE: Final = "arrival"


class Arrivals:
    """Args:
    attempts: how often an address may fail; shared by all that come from outside.
    """

    def __init__(
        self,
        store: Store,
        recorder: Records,
        sign_in: SignIn,
        *,
        attempts: Attempts,
        grants: Grants,
        clock: Clock = utc_now,
    ) -> None:
        self._store, self._recorder, self._sign_in = store, recorder, sign_in
        self.attempts, self._grants, self._clock = attempts, grants, clock
        self.seals = Seals(store.secret("sign-in-journeys"))

    async def tenant(self, slug: str) -> Tenant:
        """Raises NotOffered for one that is not here, or is switched off."""
        found = next((one for one in await self._store.tenants() if one.slug == slug and one.is_active), None)
        if found is None:
            raise NotOffered("There is no such plant here.")
        return found

    async def spend(self, what: str, until: dt.datetime) -> None:
        """Use something up that may be used once. Raises OutsideRefused if it was."""
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
            if not await queries.spend(session, hashed(what), until, self._clock()):
                raise OutsideRefused("used before")

    async def spend_state(self, journey: Journey) -> None:
        """Raises OutsideRefused if the journey has come back before."""
        await self.spend(f"state {journey.state}", self._clock() + 2 * LASTS)

    async def put_aside(
        self, kind: str, secret: str, provider: Provider, state: str, body: dict[str, Any], until: dt.datetime
    ) -> None:
        """Keep something for whoever has the secret, in the browser whose journey has this state."""
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
            session.add(
                TicketRow(
                    hash=hashed(f"{kind} {secret}"),
                    tenant_id=provider.tenant_id,
                    kind=kind,
                    binding=hashed(state),
                    sealed=self.seals.seal(kind, {"state": state, "body": body}),
                    expires_at=until,
                )
            )

    async def taken(self, kind: str, secret: str, provider: Provider) -> tuple[str, dict[str, Any]]:
        """The state that something was kept for, and what; once. Raises OutsideRefused if there is nothing."""
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
            ticket = await queries.take_ticket(session, hashed(f"{kind} {secret}"), self._clock())
        if ticket is None or ticket.kind != kind or ticket.tenant_id != provider.tenant_id:
            raise OutsideRefused("used before")
        found = self.seals.open(kind, ticket.sealed)
        return str(found["state"]), dict(found["body"])

    async def refused(self, tenant: Tenant, why: str, address: str) -> None:
        """Record that somebody came back and was not let in."""
        await self._recorder.append(denied(tenant.id, why, Actor(), address=address))

    async def not_confirmed(self, who: Principal, why: str, address: str) -> None:
        """Record that somebody who is signed in could not confirm something."""
        await self._recorder.append(denied(who.tenant_id, why, principal(who), address=address))

    async def arrived(
        self, provider: Provider, outsider: Outsider, journey: Journey, *, grant: str | None = None
    ) -> str:
        """The code for whom the provider has vouched for. `grant` is the refresh token that it gave.

        Raises:
            NoRoleHere, NotInvited, NameHeld, PersonInactive, OutsideRefused: recorded; nobody came in.
        """
        now = self._clock()
        code = secrets.token_urlsafe(32)
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
            judged = await people.judged(session, provider, outsider, now)
            await session.flush()
            actor = Actor() if judged.person is None else person(judged.person)
            if judged.refusal is not None or judged.person is None:
                await self._recorder.append(denied(provider.tenant_id, judged.why, actor))
            else:
                ticket = TicketRow(
                    hash=hashed(f"{CODE} {code}"),
                    tenant_id=provider.tenant_id,
                    kind=CODE,
                    binding=journey.binding,
                    sealed=self.seals.seal(CODE, {"person": str(judged.person.id), "grant": grant}),
                    expires_at=now + CODE_LASTS,
                )
                session.add(ticket)
                await session.flush()
                what = {"way": provider.kind, "new": int(judged.is_new)}
                await self._recorder.append(happened("auth.vouched", provider.tenant_id, actor, **what))
        accepted(judged)
        return code

    async def exchanged(self, code: str, cookie: str | None, *, address: str) -> SignedIn:
        """Our own tokens for a code, once. A code that is tried in another browser is used up by that.

        Raises:
            OutsideRefused: it is unknown, used, too old, or belongs to another browser.
            PersonInactive, TenantInactive: switched off since.
            TooManyAttempts: from this address, recently.
        """
        self.attempts.take(address)
        now = self._clock()
        journey = self.seals.journey(cookie)
        refusal: OutpostError | None = None
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL, write=True) as session:
            ticket = await queries.take_ticket(session, hashed(f"{CODE} {code}"), now)
            if ticket is None or ticket.kind != CODE or ticket.binding != journey.binding:
                refusal = OutsideRefused("a code of another browser, or used before")
            else:
                tenant = await self.tenant(journey.tenant)
                kept = self.seals.open(CODE, ticket.sealed)
                who = UUID(kept["person"])
                row = await people_queries.person_to_change(session, tenant.id, who)
                if ticket.tenant_id != tenant.id or row is None:
                    refusal = TenantInactive("Nobody can sign in to this plant now.")
                elif not row.is_active:
                    refusal = PersonInactive("This account is switched off.")
                    await self._recorder.append(denied(tenant.id, "person inactive", person(row)))
                else:
                    signed_in = await self._sign_in.begin(session, row, tenant)
                    await self._grants.keep(session, signed_in.session_id, kept["grant"])
        if refusal is not None:
            raise refusal
        self.attempts.give_back(address)
        return signed_in
