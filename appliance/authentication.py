"""Who is asking: a token or an API key on the address people use, the file system at the owner's door.

Default deny: every path of the API needs somebody, except those in `PUBLIC`, whatever its handler asks for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol, cast

from litestar.enums import ScopeType

from appliance.edge import OWNER
from appliance.errors import Unauthenticated
from appliance.store import Principal

if TYPE_CHECKING:
    from litestar import Request
    from litestar.types import ASGIApp, Receive, Scope, Send

PUBLIC = frozenset(
    {
        "/v1",
        "/v1/auth/login",
        "/v1/auth/refresh",
        "/v1/auth/ways",
        "/v1/auth/exchange",
        "/v1/auth/second-factor",
        "/v1/auth/second-factor/options",
        "/v1/kiosks/enrol",
        "/v1/kiosks/challenge",
        "/v1/kiosks/token",
        "/health",
        "/health/db",
        "/health/live",
        "/health/ready",
        "/ready",
        "/v1/health",
        "/v1/health/live",
        "/v1/health/ready",
        "/v1/health/startup",
        "/v2/health/live",
        "/metrics",
        "/openapi.json",
        "/v1/tls/ca",
    }
)
OUTSIDE = re.compile(r"/v1/auth/(?:oidc/[^/]+/(?:start|callback)|saml/[^/]+/(?:metadata|start|acs|finish))")
"""Where a browser goes to its identity provider, and comes back."""
PRINCIPAL = "outpost.principal"
FIRST_SIGN_IN = frozenset({("PUT", "/v1/auth/password"), ("POST", "/v1/auth/logout")})
"""What is open to somebody who has to choose a password first."""


def is_public(path: str) -> bool:
    return path in PUBLIC or OUTSIDE.fullmatch(path) is not None


class Identities(Protocol):
    """What authentication needs of the identity domain."""

    async def authenticate(self, token: str, *, kiosk_token: str | None = None) -> Principal:
        """Raises Unauthenticated unless the token is ours, fresh, and its person and tenant are active."""

    async def owner(self, tenant_slug: str | None) -> Principal:
        """The owner of the data directory, in the named tenant or the first."""

    async def turn_away(self, principal: Principal) -> None:
        """Raises PasswordOwed, which is recorded."""


class Authentication:
    """ASGI middleware that puts a `Principal` into the scope, or refuses."""

    def __init__(self, app: ASGIApp, identities: Identities) -> None:
        self._app = app
        self._identities = identities

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Nobody is looked up for a public path, so that it answers while the databases do not.
        if scope["type"] == ScopeType.HTTP and not is_public(scope["path"].rstrip("/")):
            principal = await self._principal(scope)
            if principal.must_change and (scope["method"], scope["path"].rstrip("/")) not in FIRST_SIGN_IN:
                await self._identities.turn_away(principal)
            cast("dict[str, Any]", scope)[PRINCIPAL] = principal
        await self._app(scope, receive, send)

    async def _principal(self, scope: Scope) -> Principal:
        headers = dict(scope["headers"])
        if scope.get(OWNER):
            tenant = headers.get(b"x-outpost-tenant")
            return await self._identities.owner(tenant.decode("latin-1") if tenant else None)
        if (key := headers.get(b"x-api-key")) is not None and b"authorization" not in headers:
            return await self._identities.authenticate(_api_key(key.decode("latin-1")))
        scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("This needs a sign-in.")
        kiosk = headers.get(b"x-kiosk-token")
        return await self._identities.authenticate(
            token, kiosk_token=None if kiosk is None else kiosk.decode("latin-1")
        )


def _api_key(given: str) -> str:
    """Only a key is taken from this header: a person's token has its own place."""
    if not given.startswith("opk_"):
        raise Unauthenticated("That is not an API key.")
    return given


def principal_of(request: Request[Any, Any, Any]) -> Principal:
    """The person, kiosk or owner behind a request.

    Raises:
        Unauthenticated: the path is public and nobody signed in.
    """
    found = request.scope.get(PRINCIPAL)
    if not isinstance(found, Principal):
        raise Unauthenticated("This needs a sign-in.")
    return found
