"""The outermost layer of HTTP: what happens to every request before and after the API.

    request -> alias -> correlation id, origin -> the built UI, or the API, in time -> security headers, metrics -> response

Two doors lead in. The address that people use carries tokens. The unix socket in the data directory is the owner's
door: the file system says who may open it, and whoever does acts as the owner of that data (`OwnerDoor`).
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import re
import time
import uuid
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, cast

import structlog
from litestar.enums import ScopeType

from appliance.crossing import Crossing
from appliance.deprecation import DEPRECATED
from appliance.errors import InvalidInput, Unauthenticated, Unavailable, problem
from appliance.metrics import REQUEST_SECONDS, REQUESTS
from appliance.proxies import Proxies, was_passed_on
from appliance.tracing import NOTHING, span

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from contextlib import AbstractContextManager

    from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

    from appliance.deprecation import Deprecated
    from appliance.errors import OutpostError
    from appliance.static import BuiltUi
    from appliance.tracing import Span

OWNER = "outpost.owner"
"""Set in the ASGI scope of requests that came through the owner's door."""

INNER = "outpost.inner"
"""Set in the ASGI scope of a request that we ask ourselves, on behalf of one that is being answered."""

MORE_HEADERS = "outpost.headers"
"""In the ASGI scope: headers that a layer below wants on the answer, whatever that will be."""

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

HSTS = (b"strict-transport-security", b"max-age=31536000")
"""Said where the line is encrypted: this name is not to be asked in the clear for a year."""

WORK_SECONDS = 120.0
"""From the end of a request's body to the beginning of its answer, at the people's address."""
LONG_WORK_SECONDS = 3600.0
LONG_WORK = ("/v1/models/", "/v1/batch/models/", "/v1/admin/models/")
"""Where gigabytes are copied, hashed and tried out."""

PATIENCE_SECONDS = 30.0
"""How long the body of a request may pause; the server gives as long to its headers."""
LAST_PATIENCE_SECONDS = 1.0
"""The same once the node is stopping."""

_LOOKED_AT = re.compile(r"(/v[12])?/(health|ready|metrics)(/|$)")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_API = ("/v1", "/v2", "/health", "/ready", "/metrics", "/openapi.json")


def is_api(path: str) -> bool:
    """Whether `path` belongs to the API; everything else is the built UI."""
    return any(path == prefix or path.startswith(prefix + "/") for prefix in _API)


class RequestStalled(InvalidInput):
    """The body of a request stopped coming before its end."""

    code, title, status = "request-stalled", "The request did not arrive whole", 408
    hint = "Send it again; nothing was done."


class TookTooLong(Unavailable):
    """A request was worked on for longer than anybody waits; the work was given up."""

    code, title = "took-too-long", "The node took too long"
    hint = "Look whether it was done before you send it again, or send it with an Idempotency-Key."


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

    def __init__(
        self,
        api: ASGIApp,
        ui: BuiltUi,
        *,
        patience: float = PATIENCE_SECONDS,
        work: float = WORK_SECONDS,
        origins: Collection[str] = (),
        metrics_token: str | None = None,
        proxies: Collection[str] = (),
        deprecated: Mapping[str, Deprecated] = DEPRECATED,
    ) -> None:
        self._api = api
        self._ui = ui
        self._patience = patience
        self._work = work
        self._crossing = Crossing(origins)
        self._proxies = Proxies(proxies)
        self._deprecated = deprecated
        self._metrics_token = metrics_token
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
        if not scope.get(OWNER):
            self._proxies.reveal(scope)
        path: str = scope["path"]
        if path == "/api" or path.startswith("/api/"):
            path = path.removeprefix("/api") or "/"
            scope["path"] = path
            scope["raw_path"] = path.encode()
        correlation = uuid.uuid4()
        started = time.perf_counter()
        status, answering = None, False
        body_is_read = not _has_body(scope)
        limit = self._limit(scope)
        working = asyncio.timeout(limit if body_is_read else None)

        async def watched() -> Any:
            nonlocal body_is_read
            message = await (receive() if body_is_read else self._next_piece(receive))
            if message["type"] == "http.request" and not message.get("more_body", False):
                if not (body_is_read or status or limit is None or working.expired()):
                    working.reschedule(asyncio.get_running_loop().time() + limit)
                body_is_read = True
            if message["type"] == "http.disconnect" and not body_is_read and not answering:
                # The server says so too of a body whose chunks make no sense.
                raise RequestStalled("The request broke off before its end.")
            return message

        async def decorated(message: Message) -> None:
            nonlocal status, answering
            if message["type"] == "http.response.start":
                status, answering = message["status"], True
                if not working.expired():
                    working.reschedule(None)
                headers = [*message.get("headers", ()), *SECURITY_HEADERS, (b"x-request-id", str(correlation).encode())]
                headers += cast("list[tuple[bytes, bytes]]", scope.get(MORE_HEADERS, []))
                headers += self._more_headers(scope)
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
            with structlog.contextvars.bound_contextvars(request=str(correlation)), _traced(path, correlation) as told:
                try:
                    async with working:
                        await self._answer(scope, watched, decorated)
                finally:
                    method, template = _labels(scope, path)
                    told.named(f"{method} {template}")
                    told.says(
                        http__request__method=method, http__route=template, http__response__status_code=status,
                        request_id=str(correlation),
                    )  # fmt: skip
        except TimeoutError:
            if not working.expired() or status is not None:
                raise
            await _refuse(decorated, TookTooLong("The request was given up."), path, str(correlation))
        finally:
            self._underway -= 1
            if not self._underway:
                self._idle.set()
        method, template = _labels(scope, path)
        REQUESTS.labels(method, template, str(status or 500)).inc()
        REQUEST_SECONDS.labels(method, template).observe(time.perf_counter() - started)

    async def _answer(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        if not is_api(scope["path"]):
            await self._ui(scope, receive, send)
        elif self._crossing.is_preflight(scope):
            await self._crossing.answer_preflight(send)
        elif scope["path"].rstrip("/") == "/metrics" and not self._may_read_metrics(scope):
            refusal = Unauthenticated("Metrics are for this box, or for who has the token of metrics.")
            await _refuse(send, refusal, scope["path"])
        else:
            await self._api(scope, receive, send)

    def _may_read_metrics(self, scope: HTTPScope) -> bool:
        """From the box itself, not by way of a proxy, anybody; from elsewhere who has the token, where one is set."""
        client = scope.get("client")
        if scope.get(OWNER) or (client and _is_loopback(client[0]) and not was_passed_on(scope)):
            return True
        sent = dict(scope["headers"]).get(b"authorization", b"")
        wanted = f"Bearer {self._metrics_token}".encode()
        return self._metrics_token is not None and hmac.compare_digest(sent, wanted)

    def _limit(self, scope: HTTPScope) -> float | None:
        """Seconds that the work may take; the owner waits as long as they like."""
        if scope.get(OWNER):
            return None
        return LONG_WORK_SECONDS if scope["path"].startswith(LONG_WORK) else self._work

    def _more_headers(self, scope: HTTPScope) -> list[tuple[bytes, bytes]]:
        headers = [HSTS] if scope.get("scheme") == "https" else []
        if is_api(scope["path"]):
            headers += self._crossing.headers(scope)
            if old := self._deprecated.get(f"{scope['method']} {_template(scope)}"):
                headers += old.headers()
        return headers

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


async def _refuse(send: Send, error: OutpostError, path: str, correlation: str | None = None) -> None:
    """Answer from here, in the shape of every other refusal."""
    correlation = correlation or structlog.contextvars.get_contextvars().get("request")
    body = json.dumps(problem(error, instance=path, correlation_id=correlation)).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    await send(cast("Any", {"type": "http.response.start", "status": error.status, "headers": headers}))
    await send(cast("Any", {"type": "http.response.body", "body": body, "more_body": False}))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _has_body(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"


def _labels(scope: HTTPScope, path: str) -> tuple[str, str]:
    """Method and route. The template keeps the set of labels small: one series per route, never one per document; a method
    is the client's own word.
    """
    return (
        scope["method"] if scope["method"] in METHODS else "other",
        _template(scope) if is_api(path) else "ui",
    )


def _traced(path: str, correlation: uuid.UUID) -> AbstractContextManager[Span]:
    """A span for requests of the API; monitors that look every few seconds have none."""
    return span("request", trace=correlation) if is_api(path) and not _LOOKED_AT.match(path) else nullcontext(NOTHING)


def _template(scope: Any) -> str:
    return str(scope.get("path_template") or "unmatched")
