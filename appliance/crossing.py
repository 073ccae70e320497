"""Pages of other origins: which may read answers of the API, and what a browser is told of that (Fetch, 3.2).

By default none may. A listed origin may send tokens in headers, and never cookies: `Access-Control-Allow-Credentials` is
not sent to anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Collection

    from litestar.types import HTTPScope, Send

    Headers = list[tuple[bytes, bytes]]

METHODS = b"GET, POST, PUT, PATCH, DELETE"
SENT = b"authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id"
READ = b"deprecation, etag, idempotency-replayed, link, location, ratelimit, ratelimit-policy, retry-after, sunset, x-request-id"
REMEMBER_SECONDS = b"600"


class Crossing:
    """Args:
    origins: as browsers write them: scheme, host and port, without a path.
    """

    def __init__(self, origins: Collection[str] = ()) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)

    def headers(self, scope: HTTPScope) -> Headers:
        """What an answer of the API says to the page that asked."""
        if not self._origins:
            return []
        varies = [(b"vary", b"origin")]
        origin = self._listed(scope)
        if origin is None:
            return varies
        return [*varies, (b"access-control-allow-origin", origin), (b"access-control-expose-headers", READ)]

    def is_preflight(self, scope: HTTPScope) -> bool:
        """Whether a browser asks on behalf of a listed origin what that may send; of others nothing is known here."""
        asks = scope["method"] == "OPTIONS" and b"access-control-request-method" in dict(scope["headers"])
        return asks and self._listed(scope) is not None

    async def answer_preflight(self, send: Send) -> None:
        headers = [
            (b"access-control-allow-methods", METHODS),
            (b"access-control-allow-headers", SENT),
            (b"access-control-max-age", REMEMBER_SECONDS),
        ]
        await send(cast("Any", {"type": "http.response.start", "status": 204, "headers": headers}))
        await send(cast("Any", {"type": "http.response.body", "body": b"", "more_body": False}))

    def _listed(self, scope: HTTPScope) -> bytes | None:
        origin = dict(scope["headers"]).get(b"origin")
        return origin if origin in self._origins else None
