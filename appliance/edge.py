"""The outermost layer of HTTP: what happens to every request before and after the API.

    request -> alias -> correlation id -> the built UI, or the API -> security headers, metrics -> response

Two doors lead in. The address that people use carries tokens. The unix socket in the data directory is the owner's
door: the file system says who may open it, and whoever does acts as the owner of that data (`OwnerDoor`).
"""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any, cast

import structlog
from litestar.enums import ScopeType

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

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_API = ("/v1", "/v2", "/health", "/ready", "/metrics", "/openapi.json")


def is_api(path: str) -> bool:
    """Whether `path` belongs to the API; everything else is the built UI."""
    return any(path == prefix or path.startswith(prefix + "/") for prefix in _API)


class OwnerDoor:
    """Marks every request of the unix socket as coming from the owner of the data directory."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        cast("dict[str, Any]", scope)[OWNER] = True
        await self._app(scope, receive, send)


class Edge:
    """Aliases, correlation ids, security headers and request metrics around the API and the UI."""

    def __init__(self, api: ASGIApp, ui: BuiltUi) -> None:
        self._api = api
        self._ui = ui

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
        status = 500
        body_is_read = not _has_body(scope)

        async def watched() -> Any:
            nonlocal body_is_read
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body", False):
                body_is_read = True
            return message

        async def decorated(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", ()), *SECURITY_HEADERS, (b"x-request-id", str(correlation).encode())]
                if is_api(path) and not any(name.lower() == b"cache-control" for name, _ in headers):
                    headers.append((b"cache-control", b"no-store"))
                if not body_is_read:
                    # The server is about to hang up on the rest of the body; said aloud, nobody asks again on this line.
                    headers.append((b"connection", b"close"))
                message = {**message, "headers": headers}
            await send(message)

        with structlog.contextvars.bound_contextvars(request=str(correlation)):
            await (self._api if is_api(path) else self._ui)(scope, watched, decorated)
        # The template keeps the label set small: one series per route, never one per document. A method is the client's
        # own word.
        template = _template(scope) if is_api(path) else "ui"
        method = scope["method"] if scope["method"] in METHODS else "other"
        REQUESTS.labels(method, template, str(status)).inc()
        REQUEST_SECONDS.labels(method, template).observe(time.perf_counter() - started)


def _has_body(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"


def _template(scope: Any) -> str:
    return str(scope.get("path_template") or "unmatched")
