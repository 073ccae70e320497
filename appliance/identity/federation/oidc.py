"""The code flow of OpenID Connect (Core, 3.1) with PKCE (RFC 7636), state and nonce.

    start      journey made ─ issuer's authorization endpoint ──> browser goes there, cookie stays
    callback   same browser ─ same issuer (RFC 9207) ─ state spent ─ code redeemed with verifier ─ ID token: signature,
               issuer, audience, party, time, nonce, tenant ──> arrival

The issuer's own words about itself come from its discovery document, by the one way out. Its refresh token is kept for the
session, sealed, to ask it anew (`grants`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlencode

from appliance.identity.federation import claims as meaning
from appliance.identity.federation import tokens
from appliance.identity.federation.arrivals import Arrivals
from appliance.identity.federation.asking import TokenEndpoint, endpoint
from appliance.identity.federation.bearer import Verifier
from appliance.identity.federation.confirming import Confirmations
from appliance.identity.federation.errors import NoSecondFactor, OutsideRefused, ProviderUnreachable
from appliance.identity.federation.journeys import Journey
from appliance.identity.federation.keys import IssuerKeys
from appliance.identity.federation.providers import Providers
from appliance.identity.federation.schemas import redirect_uri
from appliance.identity.federation.values import Provider
from appliance.identity.values import Clock, utc_now
from appliance.store import Tenant

SCOPES: Final = "openid profile email"
LASTING: Final = "offline_access"
NOTHING: Final[Mapping[str, str]] = {}
LONGEST: Final = 4096
"""Characters of a code; more is none."""


@dataclass(frozen=True, slots=True)
class Departure:
    """Where the browser goes, and the cookie that it keeps meanwhile."""

    url: str
    cookie: str


@dataclass(frozen=True, slots=True)
class Landing:
    """What the page is told at the end of a journey: which kind it was, and a code that works once."""

    kind: Literal["arrived", "confirmed"]
    code: str


@dataclass(frozen=True, slots=True)
class Return:
    """What the browser brings back in the address."""

    state: str | None
    code: str | None
    issuer: str | None
    error: str | None


class CodeFlow:
    """Args:
    public_url: what people type to reach this box.
    """

    def __init__(
        self,
        providers: Providers,
        issuers: IssuerKeys,
        verifier: Verifier,
        token_endpoint: TokenEndpoint,
        arrivals: Arrivals,
        confirmations: Confirmations,
        *,
        public_url: str,
        clock: Clock = utc_now,
    ) -> None:
        self._providers, self._issuers, self._verifier, self._endpoint = providers, issuers, verifier, token_endpoint
        self._arrivals, self._confirmations = arrivals, confirmations
        self._public_url, self._clock = public_url, clock

    async def start(self, slug: str, *, about: str = "", more: Mapping[str, str] = NOTHING) -> Departure:
        """Begin a journey: to sign in or, `about` something, to confirm it; `more` is asked of the provider then.

        Raises:
            NotOffered: the plant has no such provider.
            ProviderUnreachable, AddressNotListed: the issuer could not be asked where to go.
        """
        tenant = await self._arrivals.tenant(slug)
        provider = await self._providers.offered(tenant.id, "oidc")
        metadata = await self._issuers.metadata(provider.issuer)
        where = endpoint(metadata, "authorization_endpoint")
        journey = Journey.begin("oidc", slug, self._clock(), about)
        wanted = {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": redirect_uri(self._public_url, slug),
            "scope": scopes(provider, metadata),
            "state": journey.state,
            "nonce": journey.nonce,
            "code_challenge": challenge(journey.verifier),
            "code_challenge_method": "S256",
            **more,
        }
        return Departure(
            f"{where}{'&' if '?' in where else '?'}{urlencode(wanted)}", self._arrivals.seals.cookie(journey)
        )

    async def callback(self, slug: str, back: Return, cookie: str | None, *, address: str) -> Landing:
        """What the page is told that the browser is sent to.

        Raises:
            OutsideRefused: it was not begun here, in this browser, or does not verify; recorded.
            NoSecondFactor: as `Confirmations.confirmed` raises it; recorded.
            NotOffered, ProviderUnreachable: nobody came in.
            TooManyAttempts: from this address, recently.
            NoRoleHere, NotInvited, NameHeld, PersonInactive: as `Arrivals.arrived` raises them.
        """
        self._arrivals.attempts.take(address)
        tenant = await self._arrivals.tenant(slug)
        provider = await self._providers.offered(tenant.id, "oidc")
        try:
            journey = self._arrivals.seals.journey(cookie)
            journey.check("oidc", slug, back.state, self._clock())
            await self._arrivals.spend_state(journey)
            claims, grant = await self._vouched(provider, tenant, journey, back)
            outsider = meaning.outsider(claims, provider)
            shown = meaning.shown(claims, outsider)
            confirmed = await self._confirmations.confirmed(provider, shown, journey) if journey.about else None
        except (OutsideRefused, NoSecondFactor) as refused:
            why = refused.why if isinstance(refused, OutsideRefused) else "no second factor"
            await self._arrivals.refused(tenant, why, address)
            raise
        landing = (
            Landing("arrived", await self._arrivals.arrived(provider, outsider, journey, grant=grant))
            if confirmed is None
            else Landing("confirmed", confirmed)
        )
        self._arrivals.attempts.give_back(address)
        return landing

    async def _vouched(
        self, provider: Provider, tenant: Tenant, journey: Journey, back: Return
    ) -> tuple[dict[str, Any], str | None]:
        """What the ID token says that the issuer gave for this journey, and its refresh token."""
        metadata = await self._issuers.metadata(provider.issuer)
        names_issuer = metadata.get("authorization_response_iss_parameter_supported") is True
        if back.issuer != provider.issuer and (back.issuer is not None or names_issuer):
            raise OutsideRefused("an answer of another issuer")
        if back.error is not None or not back.code or len(back.code) > LONGEST:
            raise OutsideRefused("refused by the provider")
        token, grant = await self._redeemed(provider, metadata, tenant.slug, back.code, journey)
        claims = await self._verifier.claims(token, provider, provider.client_id)
        tokens.check_party(claims, provider.client_id)
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), journey.nonce.encode()):
            raise OutsideRefused("claim nonce")
        meaning.check_tenant(claims, provider, slug=tenant.slug)
        return claims, grant

    async def _redeemed(
        self, provider: Provider, metadata: dict[str, Any], slug: str, code: str, journey: Journey
    ) -> tuple[str, str | None]:
        """The ID token that the issuer gives for a code, and its refresh token. Raises OutsideRefused, ProviderUnreachable."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri(self._public_url, slug),
            "code_verifier": journey.verifier,
        }
        answer = await self._endpoint.ask(provider, metadata, form)
        if answer.status in {400, 401, 403}:
            raise OutsideRefused("the code was not redeemed")
        token, grant = answer.body.get("id_token"), answer.body.get("refresh_token")
        if answer.status != 200 or not isinstance(token, str):
            raise ProviderUnreachable("The identity provider gave no ID token.")
        return token, grant if isinstance(grant, str) else None


def scopes(provider: Provider, metadata: dict[str, Any]) -> str:
    """What is asked for; also to be asked again later, where the issuer knows that as a scope and gives no more with it.

    A Keycloak gives a refresh token for the session at hand unasked, and with that scope one for ever.
    """
    offered = metadata.get("scopes_supported")
    lasting = provider.profile != "keycloak" and isinstance(offered, list) and LASTING in offered
    return f"{SCOPES} {LASTING}" if lasting else SCOPES


def challenge(verifier: str) -> str:
    """S256 of RFC 7636: base64url, without padding, of SHA-256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
