"""Limits on the way in: after somebody is known, before the policy is asked, and told in the answer's headers.

    RateLimit-Policy: "person-minute";q=30;w=60, "tenant-minute";q=600;w=60
    RateLimit: "person-minute";r=29;t=61

The fields are those of draft-ietf-httpapi-ratelimit-headers (quota, window, remaining, seconds to more).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from litestar.enums import ScopeType

from appliance.authentication import PRINCIPAL
from appliance.edge import INNER, MORE_HEADERS
from appliance.store import Principal

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

    from appliance.limits.rules import Verdict


class Limits(Protocol):
    """What this layer needs of the limits."""

    async def check(self, principal: Principal, route: str) -> Verdict:
        """Raises RateLimited, a window being full."""


class RateLimiting:
    """ASGI middleware that counts a request of somebody known, or refuses it."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        principal = scope.get(PRINCIPAL)
        if scope["type"] == ScopeType.HTTP and isinstance(principal, Principal) and INNER not in scope:
            method = "GET" if scope["method"] == "HEAD" else scope["method"]
            verdict = await self._limits.check(principal, f"{method} {scope.get('path_template')}")
            if verdict.standings:
                cast("dict[str, Any]", scope).setdefault(MORE_HEADERS, []).extend(_headers(verdict))
        await self._app(scope, receive, send)


def _headers(verdict: Verdict) -> list[tuple[bytes, bytes]]:
    policies = ", ".join(
        f'"{one.window.name}";q={one.window.most};w={one.window.key.seconds}' for one in verdict.standings
    )
    tightest = min(verdict.standings, key=lambda one: one.left / one.window.most)
    left = f'"{tightest.window.name}";r={tightest.left};t={tightest.reset}'
    return [(b"ratelimit-policy", policies.encode()), (b"ratelimit", left.encode())]
