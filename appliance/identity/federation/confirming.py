"""Step-up by an identity provider: somebody who has no password here signs in there once more, for one action on one thing.

    about      signed in, from outside, the action asks for it ──> journey, sealed with person, session, action, resource
    confirmed  back in the same browser: the same person, authenticated since the journey began ──> code
    exchanged  code, cookie and the session that began it ──> the action, for a step-up of ours

The provider is asked with `prompt=login` and `max_age=0` (OpenID Connect Core, 3.1.2.1) or `ForceAuthn` (SAML Core, 3.4.1), and
`auth_time` or `AuthnInstant` shows that it did so.
Such a journey never opens a session, whatever comes back.
"""

from __future__ import annotations

import datetime as dt
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Final

from appliance.identity import rules
from appliance.identity.errors import NoStepUp, NotAPerson, ProofRefused
from appliance.identity.federation import store as queries
from appliance.identity.federation.arrivals import CODE_LASTS, Arrivals
from appliance.identity.federation.errors import NoSecondFactor, NotOffered, OutsideRefused
from appliance.identity.federation.journeys import LASTS, Journey
from appliance.identity.federation.providers import Providers
from appliance.identity.federation.values import Kind, Provider, Shown
from appliance.identity.values import DEFAULT_LIFETIMES, Clock, utc_now
from appliance.store import CONTROL, Principal, Purpose, Store

KIND: Final = "confirmation"
AGAIN: Final[Mapping[str, str]] = {"prompt": "login", "max_age": "0"}
"""Added to what the provider is asked: a sign-in that it remembers does not serve."""


class Confirmations:
    """Args:
    admins_need_factor: for an admin the provider must say that it asked for a second factor.
    """

    def __init__(
        self,
        store: Store,
        providers: Providers,
        arrivals: Arrivals,
        *,
        admins_need_factor: bool,
        clock: Clock = utc_now,
    ) -> None:
        self._store, self._providers, self._arrivals = store, providers, arrivals
        self._admins_need_factor, self._clock = admins_need_factor, clock

    async def about(self, principal: Principal, action: str, resource: str) -> tuple[Kind, str]:
        """By which of the plant's providers, and what a journey is sealed with that is to confirm `action` on `resource`.

        Raises:
            NoStepUp: the action asks for none.
            NotAPerson, NotOffered: they do not come from a provider that could be asked.
        """
        if action not in rules.STEP_UP:
            raise NoStepUp(f"{action[:64]!r} asks for no step-up.")
        if principal.kind != "person" or principal.session_id is None or principal.kiosk_id is not None:
            raise NotAPerson("Only a person who has signed in can do this, not at a kiosk.")
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
            known = await queries.outside_of(session, principal.id)
        if known is None:
            raise NotOffered("You do not come from an identity provider that can be asked for this.")
        kind: Kind = "saml" if known.kind == "saml" else "oidc"
        return kind, json.dumps({**_of(principal), "action": action, "resource": resource})

    async def confirmed(self, provider: Provider, shown: Shown, journey: Journey) -> str:
        """The code for who has signed in again at the provider.

        Raises:
            OutsideRefused: somebody else did, or nobody did since the journey began.
            NoSecondFactor: an admin did, without one.
        """
        said = json.loads(journey.about)
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
            known = await queries.known_outsider(session, provider.tenant_id, shown.external_id)
        if known is None or known[0].issuer != provider.issuer or str(known[1].id) != said["person"]:
            raise OutsideRefused("somebody else")
        check_fresh(shown, journey)
        if self._admins_need_factor and known[1].role == "admin" and not shown.second_factor:
            raise NoSecondFactor("The identity provider does not say that it asked for a second factor.")
        code = secrets.token_urlsafe(32)
        await self._arrivals.put_aside(KIND, code, provider, journey.state, said, self._clock() + CODE_LASTS)
        return code

    async def exchanged(self, principal: Principal, code: str, cookie: str | None, *, address: str) -> tuple[str, str]:
        """The action and the resource that a code confirms, once, for the session that asked.

        Raises:
            ProofRefused: it is unknown, used, too old, or of another browser, person or session; recorded.
            NotOffered: the provider was switched off meanwhile.
            TooManyAttempts: from this address, recently.
        """
        self._arrivals.attempts.take(address)
        try:
            journey = self._arrivals.seals.journey(cookie)
            provider = await self._providers.offered(principal.tenant_id, journey.kind)
            state, said = await self._arrivals.taken(KIND, code, provider)
            ours = {name: said.get(name) for name in ("person", "session")} == _of(principal)
            if not ours or not hmac.compare_digest(state.encode(), journey.state.encode()):
                raise OutsideRefused("a confirmation of another browser or session")
        except OutsideRefused as refused:
            await self._arrivals.not_confirmed(principal, refused.why, address)
            raise ProofRefused from None
        self._arrivals.attempts.give_back(address)
        return str(said["action"]), str(said["resource"])


def check_fresh(shown: Shown, journey: Journey) -> None:
    """Whether the person was authenticated since the journey began, by clocks that may differ a little. Raises OutsideRefused."""
    begun = journey.ends - LASTS.total_seconds()
    leeway: dt.timedelta = DEFAULT_LIFETIMES.leeway
    if shown.at is None or shown.at < begun - leeway.total_seconds():
        raise OutsideRefused("an old sign-in")


def _of(principal: Principal) -> dict[str, str]:
    return {"person": str(principal.id), "session": str(principal.session_id)}
