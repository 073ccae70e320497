"""The service provider of SAML 2.0: requests by redirect, responses by POST (Profiles, 4.1).

    metadata   who we are, for the provider
    start      journey made ─ AuthnRequest whose id is the journey's state ──> browser goes there, cookie stays
    acs        the provider's page makes the browser post the response: from another site, so no cookie comes along.
               assertion verified ─ spent ─ put aside in a ticket for the journey that it answers ──> same browser, GET
    finish     now with the cookie: the ticket is for this journey ──> arrival

An answer that nobody here asked for is refused, so that nobody can be signed in as somebody else by a link or a form.
"""

from __future__ import annotations

import base64
import datetime as dt
import secrets
import zlib
from typing import Any, Final
from urllib.parse import urlencode

from lxml import etree

from appliance.identity.federation import assertions, claims, schemas
from appliance.identity.federation.arrivals import Arrivals
from appliance.identity.federation.assertions import SAML, SAMLP, Assertion, Expected
from appliance.identity.federation.confirming import Confirmations
from appliance.identity.federation.errors import NoSecondFactor, OutsideRefused
from appliance.identity.federation.journeys import Journey
from appliance.identity.federation.oidc import Departure, Landing
from appliance.identity.federation.providers import Providers, certificate
from appliance.identity.federation.values import Outsider, Provider, Shown
from appliance.identity.values import DEFAULT_LIFETIMES, Clock, Lifetimes, utc_now

METADATA: Final = "urn:oasis:names:tc:SAML:2.0:metadata"
POST: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
TICKET: Final = "assertion"
TICKET_LASTS: Final = dt.timedelta(minutes=2)
_GROUPS: Final = (
    "groups",
    "roles",
    "Role",
    "memberOf",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
    "http://schemas.xmlsoap.org/claims/Group",
    "urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
)
_NAMES: Final = (
    "username",
    "uid",
    "urn:oid:0.9.2342.19200300.100.1.1",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "email",
    "urn:oid:0.9.2342.19200300.100.1.3",
)
"""As AD FS, Keycloak and Entra call them, and the object identifiers of eduPerson for isMemberOf, uid and mail."""
_SHOWN: Final = (
    "urn:oid:2.16.840.1.113730.3.1.241",
    "displayName",
    "http://schemas.microsoft.com/identity/claims/displayname",
    "name",
    "cn",
)


_METHODS: Final = "http://schemas.microsoft.com/claims/authnmethodsreferences"


class SamlFlow:
    """Args:
    public_url: what people type to reach this box.
    """

    def __init__(
        self,
        providers: Providers,
        arrivals: Arrivals,
        confirmations: Confirmations,
        *,
        public_url: str,
        lifetimes: Lifetimes = DEFAULT_LIFETIMES,
        clock: Clock = utc_now,
    ) -> None:
        self._providers, self._arrivals, self._public_url = providers, arrivals, public_url
        self._confirmations = confirmations
        self._leeway, self._clock = lifetimes.leeway, clock

    async def metadata(self, slug: str) -> bytes:
        """Who this plant is to a provider (SAML Metadata). Raises NotOffered for a plant that is not here."""
        tenant = await self._arrivals.tenant(slug)
        root = etree.Element(
            f"{{{METADATA}}}EntityDescriptor",
            {"entityID": schemas.entity_id(self._public_url, tenant.slug)},
            nsmap={"md": METADATA},
        )
        ours = {"protocolSupportEnumeration": SAMLP, "AuthnRequestsSigned": "false", "WantAssertionsSigned": "true"}
        descriptor = etree.SubElement(root, f"{{{METADATA}}}SPSSODescriptor", ours)
        consumer = {"index": "0", "isDefault": "true", "Binding": POST}
        consumer["Location"] = schemas.acs_url(self._public_url, tenant.slug)
        etree.SubElement(descriptor, f"{{{METADATA}}}AssertionConsumerService", consumer)
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8")

    async def start(self, slug: str, about: str = "") -> Departure:
        """Begin a journey; one to confirm something asks the provider to sign them in anew. Raises NotOffered."""
        tenant = await self._arrivals.tenant(slug)
        provider = await self._providers.offered(tenant.id, "saml")
        journey = Journey.begin("saml", slug, self._clock(), about)
        packed = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        request = packed.compress(self._request(provider, slug, journey)) + packed.flush()
        asked = urlencode({"SAMLRequest": base64.b64encode(request).decode()})
        url = f"{provider.sso_url}{'&' if '?' in provider.sso_url else '?'}{asked}"
        return Departure(url, self._arrivals.seals.cookie(journey))

    async def acs(self, slug: str, response: str, *, address: str) -> str:
        """Put a verified assertion aside; the ticket for the browser that it belongs to.

        Raises:
            OutsideRefused: it does not verify, or was used before; recorded.
            NotOffered, TooManyAttempts: nobody came in.
        """
        self._arrivals.attempts.take(address)
        tenant = await self._arrivals.tenant(slug)
        provider = await self._providers.offered(tenant.id, "saml")
        now = self._clock()
        expected = Expected(
            provider.issuer, schemas.entity_id(self._public_url, slug), schemas.acs_url(self._public_url, slug)
        )
        try:
            pinned = [certificate(text) for text in provider.certificates]
            assertion = assertions.accepted(response, expected, pinned, now=now, leeway=self._leeway)
            outsider = _outsider(assertion, provider)
            await self._arrivals.spend(f"assertion {provider.issuer} {assertion.id}", assertion.good_until)
        except OutsideRefused as refused:
            await self._arrivals.refused(tenant, refused.why, address)
            raise
        ticket = secrets.token_urlsafe(32)
        await self._arrivals.put_aside(
            TICKET, ticket, provider, assertion.in_response_to, _packed(outsider, _shown(assertion)), now + TICKET_LASTS
        )
        return ticket

    async def finish(self, slug: str, ticket: str | None, cookie: str | None, *, address: str) -> Landing:
        """What the page is told, if the assertion answers what this browser asked.

        Raises:
            OutsideRefused: it does not; the ticket is used up, and that is recorded.
            NoSecondFactor: as `Confirmations.confirmed` raises it; recorded.
            NotOffered: nobody came in.
            NoRoleHere, NotInvited, NameHeld, PersonInactive: as `Arrivals.arrived` raises them.
        """
        tenant = await self._arrivals.tenant(slug)
        provider = await self._providers.offered(tenant.id, "saml")
        try:
            asked, body = await self._arrivals.taken(TICKET, ticket or "", provider)
            journey = self._arrivals.seals.journey(cookie)
            journey.check("saml", slug, asked, self._clock())
            await self._arrivals.spend_state(journey)
            outsider, shown = _unpacked(body, provider)
            confirmed = await self._confirmations.confirmed(provider, shown, journey) if journey.about else None
        except (OutsideRefused, NoSecondFactor) as refused:
            why = refused.why if isinstance(refused, OutsideRefused) else "no second factor"
            await self._arrivals.refused(tenant, why, address)
            raise
        landing = (
            Landing("arrived", await self._arrivals.arrived(provider, outsider, journey))
            if confirmed is None
            else Landing("confirmed", confirmed)
        )
        self._arrivals.attempts.give_back(address)
        return landing

    def _request(self, provider: Provider, slug: str, journey: Journey) -> bytes:
        anew = {"ForceAuthn": "true"} if journey.about else {}
        root = etree.Element(
            f"{{{SAMLP}}}AuthnRequest",
            {
                **anew,
                "ID": journey.state,
                "Version": "2.0",
                "IssueInstant": self._clock().strftime("%Y-%m-%dT%H:%M:%SZ"),
                "Destination": provider.sso_url,
                "ProtocolBinding": POST,
                "AssertionConsumerServiceURL": schemas.acs_url(self._public_url, slug),
            },
            nsmap={"samlp": SAMLP, "saml": SAML},
        )
        etree.SubElement(root, f"{{{SAML}}}Issuer").text = schemas.entity_id(self._public_url, slug)
        etree.SubElement(root, f"{{{SAMLP}}}NameIDPolicy", {"AllowCreate": "true"})
        return etree.tostring(root)


def _outsider(assertion: Assertion, provider: Provider) -> Outsider:
    said = assertion.attributes
    names = (provider.name_claim,) if provider.name_claim else _NAMES
    places = (provider.groups_claim,) if provider.groups_claim else _GROUPS
    groups = frozenset(one for place in places for one in said.get(place, []) if 1 <= len(one) <= claims.LONGEST_GROUP)
    if len(groups) > claims.MOST_GROUPS:
        raise OutsideRefused("too many groups")
    subject = claims.external_id(assertion.name_id)
    shown = next((said[name][0] for name in _SHOWN if said.get(name)), None)
    return Outsider(
        issuer=provider.issuer,
        external_id=subject,
        username=claims.username((one for name in names for one in said.get(name, [])), subject),
        display_name=claims.display_name(shown, subject),
        groups=groups,
        said_at=assertion.issued_at,
    )


def _shown(assertion: Assertion) -> Shown:
    """Entra names the second factor among the attributes, and a password as the context."""
    ways = {assertion.context, *assertion.attributes.get(_METHODS, [])}
    return Shown(
        claims.external_id(assertion.name_id),
        assertion.authenticated_at.timestamp(),
        not ways.isdisjoint(claims.TWO_FACTOR_CONTEXTS),
    )


def _packed(outsider: Outsider, shown: Shown) -> dict[str, Any]:
    return {
        "issuer": outsider.issuer,
        "external_id": outsider.external_id,
        "username": outsider.username,
        "display_name": outsider.display_name,
        "groups": sorted(outsider.groups),
        "said_at": outsider.said_at.isoformat(),
        "shown_at": shown.at,
        "second_factor": shown.second_factor,
    }


def _unpacked(body: dict[str, Any], provider: Provider) -> tuple[Outsider, Shown]:
    """Raises OutsideRefused where the provider has been replaced meanwhile."""
    if body["issuer"] != provider.issuer:
        raise OutsideRefused("another issuer")
    outsider = Outsider(
        issuer=provider.issuer,
        external_id=body["external_id"],
        username=body["username"],
        display_name=body["display_name"],
        groups=frozenset(body["groups"]),
        said_at=dt.datetime.fromisoformat(body["said_at"]),
    )
    return outsider, Shown(outsider.external_id, body["shown_at"], body["second_factor"])
