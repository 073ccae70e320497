"""The refresh token of a browser, in a cookie that no script can read; programs go on with tokens in bodies.

A request under `/v1/auth` that carries `X-Outpost-Session: cookie` asks for it:

    login   ──> the answer's `refresh_token` is null; Set-Cookie has it    (HttpOnly, SameSite=Strict, Path=/v1/auth)
    refresh ──> the cookie stands in for the body, and is replaced
    logout  ──> the cookie is taken away

Nothing is ever done because of a cookie alone. A page of another origin can neither send that header (no origin is allowed
it) nor pass for one of ours (`Sec-Fetch-Site`, `Origin`). Under TLS the cookie is `Secure` and named `__Secure-…`, which no
page in the clear can set, and no other name is looked at. The name ends in the port: cookies know none, and a host may
have several nodes. A cookie that comes twice was planted, and is none.

A page that is loaded again while its refresh is under way never hears of the new cookie, and sends the old one. For a moment
the same browser at the same address gets the same answer again; anybody else, and anybody later, ends the session.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
import weakref
from typing import TYPE_CHECKING, Any, Final, cast

from litestar.enums import ScopeType

from appliance.edge import MORE_HEADERS
from appliance.errors import Forbidden, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Callable

    from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

PATH: Final = "/v1/auth"
ASKS: Final = b"x-outpost-session"
AGAIN_SECONDS: Final = 10.0
"""For so long the same browser gets the same answer to the same cookie."""
REFRESH, LOGOUT = f"{PATH}/refresh", f"{PATH}/logout"


class AnotherOrigin(Forbidden):
    """A page of another origin asked for something that belongs to a cookie."""

    code, title = "another-origin", "This page may not do that"
    hint = "Open the console at the address of the node itself."


class NoSessionCookie(Unauthenticated):
    """The browser sent no session, or two of them."""

    code, title = "no-session-cookie", "Nobody is signed in in this browser"


class SessionCookies:
    """ASGI middleware before authentication."""

    def __init__(self, app: ASGIApp, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._monotonic = monotonic
        self._turns: weakref.WeakValueDictionary[bytes, asyncio.Lock] = weakref.WeakValueDictionary()
        self._given: dict[bytes, tuple[float, list[Message]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or not _asks(scope):
            await self._app(scope, receive, send)
            return
        _require_our_origin(scope)
        cookie = Cookie(scope)
        path = scope["path"].rstrip("/")
        if path == LOGOUT:
            cast("dict[str, Any]", scope).setdefault(MORE_HEADERS, []).append(cookie.gone())
        if path == REFRESH:
            await self._refresh(scope, cookie, send)
        else:
            await self._app(scope, receive, _Moving(send, cookie))

    async def _refresh(self, scope: HTTPScope, cookie: Cookie, send: Send) -> None:
        token, asker = cookie.read(), _asker(scope)
        key = hashlib.sha256(token.encode() + b"\0" + asker).digest()
        turn = self._turns.setdefault(key, asyncio.Lock())
        async with turn:
            now = self._monotonic()
            self._given = {one: kept for one, kept in self._given.items() if kept[0] > now}
            if key in self._given:
                for message in self._given[key][1]:
                    await send(message)
                return
            scope, receive = _with_body(scope, {"refresh_token": token})
            moving = _Moving(send, cookie)
            await self._app(scope, receive, moving)
            if moving.sent and cast("Any", moving.sent[0])["status"] == 200:
                self._given[key] = now + AGAIN_SECONDS, moving.sent


class Cookie:
    """The cookie of one request's node and line."""

    def __init__(self, scope: HTTPScope) -> None:
        self._secure = scope["scheme"] == "https"
        server = scope.get("server")
        self.name = f"{'__Secure-' if self._secure else ''}outpost-refresh-{server[1] if server else 0}"
        self._headers = scope["headers"]

    def read(self) -> str:
        """Raises NoSessionCookie: there is none, or there are two."""
        pairs = b"; ".join(value for name, value in self._headers if name == b"cookie").decode("latin-1").split(";")
        found = [
            value.strip() for name, _, value in (pair.partition("=") for pair in pairs) if name.strip() == self.name
        ]
        if len(found) != 1 or not found[0]:
            raise NoSessionCookie("No session came with the request.")
        return found[0]

    def holding(self, token: str) -> tuple[bytes, bytes]:
        return self._set(token, "")

    def gone(self) -> tuple[bytes, bytes]:
        return self._set("", "; Max-Age=0")

    def _set(self, value: str, more: str) -> tuple[bytes, bytes]:
        secure = "; Secure" if self._secure else ""
        return b"set-cookie", f"{self.name}={value}; Path={PATH}; HttpOnly; SameSite=Strict{secure}{more}".encode()


class _Moving:
    """Moves the refresh token of an answer into the cookie; takes the cookie away where the session is over."""

    def __init__(self, send: Send, cookie: Cookie) -> None:
        self._send, self._cookie = send, cookie
        self._start: dict[str, Any] | None = None
        self.sent: list[Message] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = dict(message)
            return
        start, self._start = self._start, None
        if start is not None:
            if start["status"] == 401:
                start["headers"] = [*start["headers"], self._cookie.gone()]
            elif start["status"] == 200 and not message.get("more_body", False):
                message = self._moved(start, message)
            self.sent.append(cast("Any", start))
        self.sent.append(message)
        for one in self.sent[-2:] if start is not None else (message,):
            await self._send(one)

    def _moved(self, start: dict[str, Any], message: Any) -> Any:
        try:
            answer = json.loads(message.get("body", b""))
        except ValueError:
            return message
        token = answer.get("refresh_token") if isinstance(answer, dict) else None
        if not isinstance(token, str):
            return message
        body = json.dumps(answer | {"refresh_token": None}).encode()
        rest = [one for one in start["headers"] if one[0].lower() != b"content-length"]
        start["headers"] = [*rest, (b"content-length", str(len(body)).encode()), self._cookie.holding(token)]
        return {**message, "body": body}


def _asker(scope: HTTPScope) -> bytes:
    client = scope.get("client")
    return f"{client[0] if client else ''}".encode() + b"\0" + dict(scope["headers"]).get(b"user-agent", b"")


def _asks(scope: HTTPScope) -> bool:
    if scope["method"] != "POST" or not scope["path"].startswith(f"{PATH}/"):
        return False
    return dict(scope["headers"]).get(ASKS) == b"cookie"


def _require_our_origin(scope: HTTPScope) -> None:
    """Raises AnotherOrigin. Who sends neither header is no browser, and has no cookies of somebody else."""
    headers = dict(scope["headers"])
    ours = f"{scope['scheme']}://".encode() + headers.get(b"host", b"")
    if headers.get(b"sec-fetch-site", b"same-origin") != b"same-origin" or headers.get(b"origin", ours) != ours:
        raise AnotherOrigin("The request comes from a page of another origin.")


def _with_body(scope: HTTPScope, body: dict[str, str]) -> tuple[HTTPScope, Receive]:
    raw = json.dumps(body).encode()
    replaced = {b"content-type", b"content-length", b"transfer-encoding"}
    headers = [one for one in scope["headers"] if one[0] not in replaced]
    headers += [(b"content-type", b"application/json"), (b"content-length", str(len(raw)).encode())]

    async def receive() -> Any:
        return {"type": "http.request", "body": raw, "more_body": False}

    scope["headers"] = headers
    return scope, receive
