"""The HTTP application: every domain's controllers behind one door, every error as problem details."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from litestar import Litestar, MediaType, Request, Response
from litestar.di import Provide
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from pydantic import ValidationError

from appliance import __version__
from appliance.authentication import Authentication, principal_of
from appliance.errors import InvalidInput, OutpostError, TooLarge, problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from litestar.types import ASGIApp, ControllerRouterHandler

    from appliance.authentication import Identities

PROBLEM = "application/problem+json"
BODY_LIMIT = 4 * 1024 * 1024
"""Bytes of an ordinary request body; an upload names its own limit."""

log = structlog.get_logger(__name__)
_STATUS_CODES = {
    400: "invalid-input",
    401: "unauthenticated",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
}


def build(routes: Sequence[ControllerRouterHandler], services: Mapping[str, Any], identities: Identities) -> Litestar:
    """Assemble the application.

    Args:
        routes: the controllers of all domains.
        services: what handlers are given, by parameter name.
        identities: turns tokens into principals.
    """

    def authentication(app: ASGIApp) -> ASGIApp:
        return Authentication(app, identities)  # type: ignore[return-value]

    return Litestar(
        route_handlers=routes,
        dependencies={
            "principal": Provide(principal_of, sync_to_thread=False),
            **{name: Provide(_constant(service), sync_to_thread=False) for name, service in services.items()},
        },
        middleware=[authentication],
        exception_handlers={
            OutpostError: _outpost_error,
            ValidationError: _pydantic_error,
            HTTPException: _http_error,
            Exception: _unforeseen,
        },
        openapi_config=OpenAPIConfig(
            title="Outpost",
            version=__version__,
            description="Ask the plant's own documents, offline. Errors are problem details (RFC 9457).",
            path="/",
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
            components=Components(security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer")}),
            security=[{"bearer": []}],
        ),
        request_max_body_size=BODY_LIMIT,
        logging_config=None,
        debug=False,
    )


def _constant(service: Any) -> Any:
    def provide() -> Any:
        return service

    return provide


def _respond(body: dict[str, Any], headers: dict[str, str] | None = None) -> Response[Any]:
    correlation = structlog.contextvars.get_contextvars().get("request")
    if correlation is not None:
        body.setdefault("correlation_id", correlation)
    return Response(body, status_code=body["status"], media_type=PROBLEM, headers=headers)


def _outpost_error(request: Request[Any, Any, Any], error: OutpostError) -> Response[Any]:
    if error.status >= 500:
        log.warning("request failed", code=error.code, detail=error.detail)
    headers = {"retry-after": str(error.context["retry_after"])} if "retry_after" in error.context else {}
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    return _respond(problem(error, instance=request.url.path), headers)


def _pydantic_error(request: Request[Any, Any, Any], error: ValidationError) -> Response[Any]:
    # Only where and why: the value itself may be personal.
    fields = [{"field": ".".join(map(str, item["loc"])), "why": item["msg"]} for item in error.errors()]
    return _respond(problem(InvalidInput("A field is wrong.", fields=fields), instance=request.url.path))


def _http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    if isinstance(error, ValidationException):
        extra = error.extra if isinstance(error.extra, list) else []
        fields = [{"field": str(item.get("key", "")), "why": str(item.get("message", ""))} for item in extra]
        return _respond(problem(InvalidInput("A field is wrong.", fields=fields), instance=request.url.path))
    if error.status_code == 413:
        return _outpost_error(request, TooLarge("The body of the request is larger than this route takes."))
    code = _STATUS_CODES.get(error.status_code, "http-error")
    body = {
        "type": f"urn:outpost:problem:{code}",
        "title": error.detail or "The request failed",
        "status": error.status_code,
        "detail": error.detail,
        "code": code,
        "instance": request.url.path,
        "hint": "See /openapi.json for what this node offers.",
    }
    return _respond(body, dict(error.headers or {}))


def _unforeseen(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    log.error("request failed unforeseen", kind=type(error).__name__, exc_info=error)
    return _respond(problem(OutpostError("The node could not finish this."), instance=request.url.path))


JSON = MediaType.JSON
