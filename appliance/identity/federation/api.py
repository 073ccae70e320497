"""Identity providers of a tenant over HTTP, and the way of a browser to them and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from litestar import Controller, Request, Response, get, post, put
from litestar.datastructures import Cookie
from litestar.params import FromPath, JSONBody, QueryParameter, URLEncodedBody

from appliance.errors import OutpostError
from appliance.identity.federation import journeys, schemas
from appliance.identity.federation.arrivals import Arrivals
from appliance.identity.federation.checking import examined
from appliance.identity.federation.confirming import Confirmations
from appliance.identity.federation.keys import Keys
from appliance.identity.federation.oidc import CodeFlow, Departure, Return
from appliance.identity.federation.providers import Providers
from appliance.identity.federation.saml import SamlFlow
from appliance.identity.ports import Door
from appliance.identity.schemas import TokenView
from appliance.identity.values import utc_now
from appliance.policy.values import Resource
from appliance.store import Principal, Store
from appliance.web import Injected

PAGE: Final = "/console"
"""Where the browser is sent in the end; what it brings stands behind the `#`, which no server sees."""

METADATA: Final = "application/samlmetadata+xml"

Text = Annotated[str | None, QueryParameter(max_length=4096)]


@dataclass(frozen=True, slots=True)
class Federation:
    """Everything about identity providers, for one process; `public_url` is what people type to reach the box."""

    providers: Providers
    keys: Keys
    arrivals: Arrivals
    oidc: CodeFlow
    saml: SamlFlow
    confirmations: Confirmations
    public_url: str


class SignInSettingsController(Controller):
    path = "/v1/admin/sign-in"
    tags = ("Sign-in",)

    @get("/", operation_id="get_sign_in", asks="sign_in.read")
    async def read(
        self,
        principal: Injected[Principal],
        gate: Injected[Door],
        store: Injected[Store],
        federation: Injected[Federation],
    ) -> schemas.SignInView:
        """Which identity providers your plant trusts, and what to register with them. Secrets are not shown."""
        async with gate.admit(principal, "sign_in.read", resource=Resource("sign_in")) as admitted:
            found = await federation.providers.of(admitted)
        return schemas.SignInView.of(found, federation.public_url, await slug_of(store, principal))

    @put("/", operation_id="set_sign_in", asks="sign_in.manage")
    async def write(
        self,
        data: JSONBody[schemas.SignInSettings],
        principal: Injected[Principal],
        gate: Injected[Door],
        store: Injected[Store],
        federation: Injected[Federation],
    ) -> schemas.SignInView:
        """Set them as a whole. Nobody who comes from outside gets more than you have yourself."""
        # The record keeps a hash of what was asked for; not even that is made of a secret.
        request = data.model_dump_json(exclude={"oidc": {"client_secret"}}).encode()
        async with gate.admit(principal, "sign_in.manage", resource=Resource("sign_in"), request=request) as admitted:
            found = await federation.providers.put(admitted, data.wanted(principal.tenant_id))
        return schemas.SignInView.of(found, federation.public_url, await slug_of(store, principal))

    @post("/tests", operation_id="test_sign_in", asks="sign_in.manage", status_code=200)
    async def test(
        self, principal: Injected[Principal], gate: Injected[Door], federation: Injected[Federation]
    ) -> schemas.FindingsView:
        """Look whether people of your identity providers would get in; nothing is changed."""
        async with gate.admit(principal, "sign_in.manage", resource=Resource("sign_in")) as admitted:
            providers = await federation.providers.of(admitted)
            issuers = {one.issuer for one in await federation.providers.enabled() if one.kind == "oidc"}
            found: list[schemas.FindingView] = []
            for one in providers:
                only = issuers <= {one.issuer}
                findings = await examined(one, federation.keys, only=only, now=utc_now())
                found += [schemas.FindingView.of(finding) for finding in findings]
        return schemas.FindingsView(items=found)


class WaysController(Controller):
    path = "/v1/auth"
    tags = ("Sign-in",)

    @get("/ways", operation_id="sign_in_ways", security=[])
    async def ways(
        self,
        federation: Injected[Federation],
        tenant: Annotated[str, QueryParameter(min_length=1, max_length=63)],
    ) -> schemas.WaysView:
        """How one can sign in to a plant beside name and password."""
        try:
            found = await federation.arrivals.tenant(tenant.strip().lower())
        except OutpostError:
            return schemas.WaysView(items=[])
        offered = [one for one in await federation.providers.enabled() if one.tenant_id == found.id]
        return schemas.WaysView(items=[schemas.way(one, federation.public_url, found.slug) for one in offered])

    @post("/exchange", operation_id="exchange_arrival", status_code=200, security=[])
    async def exchange(
        self, data: JSONBody[schemas.Exchange], request: Request[Any, Any, Any], federation: Injected[Federation]
    ) -> Response[TokenView]:
        """Exchange the code that the browser came back with for tokens, once, in that browser."""
        cookie = request.cookies.get(journeys.COOKIE)
        signed_in = await federation.arrivals.exchanged(data.code, cookie, address=_address(request))
        return Response(TokenView.of(signed_in), cookies=[cookie_of(federation, "", 0)])

    @get("/oidc/{tenant:str}/start", operation_id="oidc_start", security=[], status_code=303)
    async def oidc_start(self, tenant: FromPath[str], federation: Injected[Federation]) -> Response[None]:
        """Send the browser to the plant's identity provider."""
        try:
            return _departing(federation, await federation.oidc.start(tenant))
        except OutpostError as refusal:
            return _refused(federation, refusal)

    @get("/oidc/{tenant:str}/callback", operation_id="oidc_callback", security=[], status_code=303)
    async def oidc_callback(
        self,
        tenant: FromPath[str],
        request: Request[Any, Any, Any],
        federation: Injected[Federation],
        code: Text = None,
        state_given: Annotated[str | None, QueryParameter(name="state", max_length=4096)] = None,
        iss: Text = None,
        error: Text = None,
    ) -> Response[None]:
        """Where the identity provider sends the browser back to."""
        cookie = request.cookies.get(journeys.COOKIE)
        back = Return(state_given, code, iss, error)
        try:
            landing = await federation.oidc.callback(tenant, back, cookie, address=_address(request))
        except OutpostError as refusal:
            return _refused(federation, refusal, cookie)
        return _sent(federation, f"{PAGE}#{landing.kind}={landing.code}")

    @get("/saml/{tenant:str}/metadata", operation_id="saml_metadata", security=[], media_type=METADATA)
    async def saml_metadata(self, tenant: FromPath[str], federation: Injected[Federation]) -> bytes:
        """What an identity provider has to know of this plant."""
        return await federation.saml.metadata(tenant)

    @get("/saml/{tenant:str}/start", operation_id="saml_start", security=[], status_code=303)
    async def saml_start(self, tenant: FromPath[str], federation: Injected[Federation]) -> Response[None]:
        """Send the browser to the plant's SAML identity provider."""
        try:
            return _departing(federation, await federation.saml.start(tenant))
        except OutpostError as refusal:
            return _refused(federation, refusal)

    @post("/saml/{tenant:str}/acs", operation_id="saml_acs", security=[], status_code=303)
    async def saml_acs(
        self,
        tenant: FromPath[str],
        data: URLEncodedBody[schemas.SamlResponse],
        request: Request[Any, Any, Any],
        federation: Injected[Federation],
    ) -> Response[None]:
        """Where the provider's page makes the browser post the response."""
        try:
            ticket = await federation.saml.acs(tenant, data.SAMLResponse, address=_address(request))
        except OutpostError as refusal:
            return _refused(federation, refusal)
        return _sent(federation, f"/v1/auth/saml/{tenant}/finish?ticket={ticket}")

    @get("/saml/{tenant:str}/finish", operation_id="saml_finish", security=[], status_code=303)
    async def saml_finish(
        self,
        tenant: FromPath[str],
        request: Request[Any, Any, Any],
        federation: Injected[Federation],
        ticket: Text = None,
    ) -> Response[None]:
        """The same browser again, now with its cookie: a form of another site does not bring it along."""
        cookie = request.cookies.get(journeys.COOKIE)
        try:
            landing = await federation.saml.finish(tenant, ticket, cookie, address=_address(request))
        except OutpostError as refusal:
            return _refused(federation, refusal, cookie)
        return _sent(federation, f"{PAGE}#{landing.kind}={landing.code}")


def _departing(federation: Federation, departure: Departure) -> Response[None]:
    cookie = cookie_of(federation, departure.cookie, int(journeys.LASTS.total_seconds()))
    return Response(None, status_code=303, headers={"location": departure.url}, cookies=[cookie])


def _refused(federation: Federation, refusal: OutpostError, cookie: str | None = None) -> Response[None]:
    """A browser is shown why on a page; only the code of the error goes there, and what kind of journey it was."""
    try:
        confirms = bool(federation.arrivals.seals.journey(cookie).about)
    except OutpostError:
        confirms = False
    return _sent(federation, f"{PAGE}#{'unconfirmed' if confirms else 'refused'}={refusal.code}")


def _sent(federation: Federation, to: str) -> Response[None]:
    return Response(None, status_code=303, headers={"location": federation.public_url + to})


def cookie_of(federation: Federation, value: str, seconds: int) -> Cookie:
    """What a browser keeps of its journey."""
    return Cookie(
        key=journeys.COOKIE,
        value=value,
        path=journeys.PATH,
        max_age=seconds,
        httponly=True,
        secure=federation.public_url.startswith("https:"),
        samesite="lax",
    )


def _address(request: Request[Any, Any, Any]) -> str:
    return request.client.host if request.client is not None else "local"


async def slug_of(store: Store, principal: Principal) -> str:
    """The short name of who asks' plant."""
    return next(one.slug for one in await store.tenants() if one.id == principal.tenant_id)


ROUTES = [SignInSettingsController, WaysController]
