"""Tags of what is read, and requests that hold only for a certain one (RFC 9110, 8.8 and 13), for every route at once.

    GET  ──> 200, etag ──> GET, If-None-Match ──> 304
                      └──> PATCH, PUT or DELETE, If-Match ──> done, or 412 if it has changed since

The tag of one thing is strong, the SHA-256 of the body's bytes. A list's is weak: a page is a view of what may have
changed around it, and If-Match, which compares strongly, never fits a weak one.

If-Match is compared with what a GET of the same path, in the same name, answers now: it is decided and recorded as one.
Writes with If-Match take turns for a path within this process.
"""

from __future__ import annotations

import asyncio
import hashlib
import weakref
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from litestar.enums import ScopeType
from pydantic import BaseModel

from appliance.authentication import PRINCIPAL
from appliance.edge import INNER, OWNER
from appliance.errors import PreconditionFailed
from appliance.store import Principal

if TYPE_CHECKING:
    from litestar.handlers import BaseRouteHandler
    from litestar.types import ASGIApp, Message, Receive, Scope, Send

    Headers = list[tuple[bytes, bytes]]

MOST = 4 * 1024 * 1024
"""Bytes. A larger body has no tag."""
CARRIED = ("type", "asgi", "http_version", "scheme", "path", "raw_path", "root_path", "client", "server", "extensions")
WHOSE = frozenset({b"authorization", b"x-api-key", b"x-kiosk-token", b"x-outpost-tenant", b"host"})
"""Headers that say who asks: whoever sends a change is the one who must have read."""
KEPT_ON_304 = frozenset({b"etag", b"cache-control", b"vary", b"content-location", b"expires"})


class Conditional:
    """ASGI middleware around every handler."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._turns: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        if scope["method"] == "GET":
            wanted = _header(scope["headers"], b"if-none-match")
            await self._app(scope, receive, _Tagging(send, wanted, scope["route_handler"]))
            return
        wanted = _header(scope["headers"], b"if-match")
        if wanted is None or scope["method"] not in {"PATCH", "PUT", "DELETE"}:
            await self._app(scope, receive, send)
            return
        turn = self._turns.setdefault(scope["path"], asyncio.Lock())
        async with turn:
            await _require(scope, wanted)
            await self._app(scope, receive, send)


class _Tagging:
    """Sends on, with a tag, what comes in one piece; in place of what the asker already has, 304."""

    def __init__(self, send: Send, wanted: bytes | None, handler: BaseRouteHandler) -> None:
        self._send, self._wanted, self._handler = send, wanted, handler
        self._start: dict[str, Any] | None = None
        self._silent = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = dict(message)
            return
        if self._silent:
            return
        start, self._start = self._start, None
        if start is not None:
            body = cast("bytes", message.get("body", b""))
            whole = not message.get("more_body", False) and len(body) <= MOST
            if start["status"] == 200 and (whole or _header(start["headers"], b"etag")):
                tag = _header(start["headers"], b"etag")
                if tag is None:
                    tag = _tag(body, weak=_lists(self._handler))
                    start["headers"] = [*start["headers"], (b"etag", tag)]
                if self._wanted is not None and among(tag, self._wanted):
                    self._silent = True
                    kept = [one for one in start["headers"] if one[0].lower() in KEPT_ON_304]
                    await self._send(cast("Any", {"type": "http.response.start", "status": 304, "headers": kept}))
                    await self._send(cast("Any", {"type": "http.response.body", "body": b"", "more_body": False}))
                    return
            await self._send(cast("Any", start))
        await self._send(message)


def among(tag: bytes, listed: bytes, *, strongly: bool = False) -> bool:
    """Whether `tag` is in a list of tags, or that is `*`. Strong comparison takes no weak tag on either side."""
    if listed.strip() == b"*":
        return True
    ours = {one.strip() for one in listed.split(b",")}
    if strongly:
        return not tag.startswith(b"W/") and tag in ours
    return tag.removeprefix(b"W/") in {one.removeprefix(b"W/") for one in ours}


async def _require(scope: Scope, wanted: bytes) -> None:
    """Raises PreconditionFailed unless what stands at this path now has a wanted tag; what may not be read decides itself."""
    status, tag = await _tag_now(scope)
    if status in {403, 404} and not _may_write_unread(scope):
        return  # the request itself is told why
    if status != 200 or tag is None:
        raise PreconditionFailed(
            "Nothing at this path has a tag to compare with.", hint="Send it again without If-Match."
        )
    if not among(tag, wanted, strongly=True):
        raise PreconditionFailed("It has changed since it was read.")


def _may_write_unread(scope: Scope) -> bool:
    """Narrowed to scopes, somebody may be let change what they are not let read: nothing can be compared for them then."""
    principal = scope.get(PRINCIPAL)
    return isinstance(principal, Principal) and bool(principal.scopes)


async def _tag_now(scope: Scope) -> tuple[int, bytes | None]:
    """Status and tag of a GET of the same path, by the same asker."""
    headers = [one for one in scope["headers"] if one[0] in WHOSE]
    inner: dict[str, Any] = {name: scope[name] for name in CARRIED if name in scope}  # type: ignore[literal-required]
    inner |= {"method": "GET", "headers": headers, "query_string": b"", "state": {}, INNER: True}
    if scope.get(OWNER):
        inner[OWNER] = True
    found: tuple[int, bytes | None] = (500, None)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal found
        if message["type"] == "http.response.start":
            found = message["status"], _header(message["headers"], b"etag")

    await scope["litestar_app"](cast("Any", inner), receive, send)
    return found


def _tag(body: bytes, *, weak: bool) -> bytes:
    return (b'W/"' if weak else b'"') + hashlib.sha256(body).hexdigest().encode() + b'"'


def _header(headers: Any, name: bytes) -> bytes | None:
    found = [value for key, value in headers if key.lower() == name]
    return b", ".join(found) if found else None


@cache
def _lists(handler: BaseRouteHandler) -> bool:
    """Whether a handler answers with a list: by the house's shape, a model with `items`."""
    answer = handler.parsed_fn_signature.return_type
    models = [answer.annotation, *(inner.annotation for inner in answer.inner_types)]
    return any(isinstance(one, type) and issubclass(one, BaseModel) and "items" in one.model_fields for one in models)
