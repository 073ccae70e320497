"""The outermost layer of HTTP: what happens to every request before and after the API.

    request -> alias -> correlation id -> the built UI, or the API -> security headers, metrics -> response

Two doors lead in. The address that people use carries tokens. The unix socket in the data directory is the owner's
door: the file system says who may open it, and whoever does acts as the owner of that data (`OwnerDoor`).
"""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import TYPE_CHECKING, Any, cast

import structlog
from litestar.enums import ScopeType

from appliance.errors import InvalidInput
from appliance.metrics import REQUEST_SECONDS, REQUESTS

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Message, Receive, Scope, Send

    from appliance.static import BuiltUi

OWNER = "outpost.owner"
"""Set in the ASGI scope of requests that came through the owner's door."""

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types svelte-trusted-html",
    )
)

SECURITY_HEADERS = (
    (b"server", b"outpost"),
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
)

PATIENCE_SECONDS = 30.0
"""How long the body of a request may pause; the server gives as long to its headers."""
LAST_PATIENCE_SECONDS = 1.0
"""The same once the node is stopping."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_API = ("/v1", "/v2", "/health", "/ready", "/metrics", "/openapi.json")


def is_api(path: str) -> bool:
    """Whether `path` belongs to the API; everything else is the built UI."""
    return any(path == prefix or path.startswith(prefix + "/") for prefix in _API)


class RequestStalled(InvalidInput):
    """The body of a request stopped coming before its end."""

    code, title, status = "request-stalled", "The request did not arrive whole", 408
    hint = "Send it again; nothing was done."


class OwnerDoor:
    """Marks every request of the unix socket as coming from the owner of the data directory."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        cast("dict[str, Any]", scope)[OWNER] = True
        await self._app(scope, receive, send)


class Edge:
    """Aliases, correlation ids, security headers and request metrics around the API and the UI.

    It also knows what is being worked on, so that a node that stops waits for that and for nothing else (`finish`).
    """

    def __init__(self, api: ASGIApp, ui: BuiltUi, *, patience: float = PATIENCE_SECONDS) -> None:
        self._api = api
        self._ui = ui
        self._patience = patience
        self._pauses: set[asyncio.Timeout] = set()
        self._underway = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def finish(self) -> None:
        """Return when no request is being worked on; a body that pauses is now given up after a second."""
        self._patience = min(self._patience, LAST_PATIENCE_SECONDS)
        for pause in (one for one in self._pauses if not one.expired()):
            pause.reschedule(asyncio.get_running_loop().time() + self._patience)
        await self._idle.wait()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._api(scope, receive, send)
            return
        path: str = scope["path"]
        if path == "/api" or path.startswith("/api/"):
            path = path.removeprefix("/api") or "/"
            scope["path"] = path
            scope["raw_path"] = path.encode()
        correlation = uuid.uuid4()
        started = time.perf_counter()
        status, answering = 500, False
        body_is_read = not _has_body(scope)

        async def watched() -> Any:
            nonlocal body_is_read
            message = await (receive() if body_is_read else self._next_piece(receive))
            if message["type"] == "http.request" and not message.get("more_body", False):
                body_is_read = True
            if message["type"] == "http.disconnect" and not body_is_read and not answering:
                # The server says so too of a body whose chunks make no sense.
                raise RequestStalled("The request broke off before its end.")
            return message

        async def decorated(message: Message) -> None:
            nonlocal status, answering
            if message["type"] == "http.response.start":
                status, answering = message["status"], True
                headers = [*message.get("headers", ()), *SECURITY_HEADERS, (b"x-request-id", str(correlation).encode())]
                if is_api(path) and not any(name.lower() == b"cache-control" for name, _ in headers):
                    headers.append((b"cache-control", b"no-store"))
                if not body_is_read:
                    # The server is about to hang up on the rest of the body; said aloud, nobody asks again on this line.
                    headers.append((b"connection", b"close"))
                message = {**message, "headers": headers}
            await send(message)

        self._underway += 1
        self._idle.clear()
        try:
            with structlog.contextvars.bound_contextvars(request=str(correlation)):
                await (self._api if is_api(path) else self._ui)(scope, watched, decorated)
        finally:
            self._underway -= 1
            if not self._underway:
                self._idle.set()
        # The template keeps the label set small: one series per route, never one per document. A method is the client's
        # own word.
        template = _template(scope) if is_api(path) else "ui"
        method = scope["method"] if scope["method"] in METHODS else "other"
        REQUESTS.labels(method, template, str(status)).inc()
        REQUEST_SECONDS.labels(method, template).observe(time.perf_counter() - started)

    async def _next_piece(self, receive: Receive) -> Any:
        pause = asyncio.timeout(self._patience)
        self._pauses.add(pause)
        try:
            async with pause:
                return await receive()
        except TimeoutError:
            raise RequestStalled("The rest of the request did not come.") from None
        finally:
            self._pauses.discard(pause)


def _has_body(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"


def _template(scope: Any) -> str:
    return str(scope.get("path_template") or "unmatched")
