"""The HTTP application: every domain's controllers behind one door, every error as problem details."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from litestar import Litestar, Request, Response
from litestar.di import Provide
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.routes import HTTPRoute
from pydantic import ValidationError

from appliance import __version__, description
from appliance.authentication import Authentication, principal_of
from appliance.conditional import Conditional
from appliance.cookies import SessionCookies
from appliance.deprecation import DEPRECATED
from appliance.description import PROBLEM, with_problems
from appliance.errors import InvalidInput, NotFound, OutpostError, TooLarge, problem
from appliance.limiting import RateLimiting
from appliance.repeating import Repeating

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from litestar.enums import HttpMethod
    from litestar.handlers import HTTPRouteHandler
    from litestar.types import ASGIApp, ControllerRouterHandler
    from litestar.types.internal_types import PathParameterDefinition

    from appliance.authentication import Identities
    from appliance.deprecation import Deprecated
    from appliance.idempotency import Keys
    from appliance.limiting import Limits

BODY_LIMIT = 4 * 1024 * 1024
"""Bytes of an ordinary request body; an upload names its own limit."""

OFFERED = "See /openapi.json for what this node offers."
_CODES = {405: "method-not-allowed", 415: "unsupported-type"}
_TITLES = {405: "This path does not take that method"}

log = structlog.get_logger(__name__)


class JsonRequest(Request[Any, Any, Any]):
    """A request whose body may be any bytes."""

    async def json(self) -> Any:
        """The decoded body.

        Raises:
            InvalidInput: it is no text, or nested so deeply that the decoder gave up.
        """
        try:
            return await super().json()
        except UnicodeDecodeError:
            raise InvalidInput("The JSON is not UTF-8.") from None
        except RecursionError:
            raise InvalidInput("The JSON is nested too deeply.") from None


def build(
    routes: Sequence[ControllerRouterHandler],
    services: Mapping[str, Any],
    identities: Identities,
    limits: Limits | None = None,
    keys: Keys | None = None,
    deprecated: Mapping[str, Deprecated] = DEPRECATED,
) -> Litestar:
    """Assemble the application.

    Args:
        routes: the controllers of all domains.
        services: what handlers are given, by parameter name.
        identities: turns tokens into principals.
        limits: holds back who asks too much; nobody is, without.
        keys: remembers requests that may be sent again; they are worked on again, without.
        deprecated: what the description marks, by method and path template.
    """

    def authentication(app: ASGIApp) -> ASGIApp:
        app = Conditional(app)
        if keys is not None:
            app = Repeating(app, keys, services["gate"])
        return SessionCookies(Authentication(app if limits is None else RateLimiting(app, limits), identities))

    application = Litestar(
        route_handlers=routes,
        request_class=JsonRequest,
        dependencies={
            "principal": Provide(principal_of, sync_to_thread=False),
            **{name: Provide(_constant(service), sync_to_thread=False) for name, service in services.items()},
        },
        middleware=[authentication],
        exception_handlers={
            OutpostError: _outpost_error,
            ValidationError: _pydantic_error,
            HTTPException: _http_error,
            OverflowError: _beyond_reason,
            UnicodeEncodeError: _beyond_reason,
            Exception: _unforeseen,
        },
        openapi_config=OpenAPIConfig(
            title="Outpost",
            version=__version__,
            description="Ask the plant's own documents, offline. Errors are problem details (RFC 9457).",
            path="/",
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
            components=Components(
                responses=description.RESPONSES,
                security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer")},
            ),
            security=[{"bearer": []}],
        ),
        request_max_body_size=BODY_LIMIT,
        logging_config=None,
        debug=False,
    )
    _make_describable(application, deprecated)
    return application


def _make_describable(application: Litestar, deprecated: Mapping[str, Deprecated]) -> None:
    """What OpenAPI wants and Litestar does not do: every id once, our problems, "nobody needs to sign in" said aloud.

    Of an operation with several paths only the shortest keeps its id. An empty `security` would be left out, and the
    operation would seem to need a token.
    """
    named: dict[str, list[tuple[HTTPRouteHandler, str]]] = {}
    for route in application.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                handler.operation_class = with_problems(handler.operation_class)
                if handler.security == []:
                    handler.security = [{}]
                for method in handler.http_methods:
                    if old := deprecated.get(f"{method} {route.path_format}"):
                        handler.deprecated, handler.description = True, old.told()
                if isinstance(name := handler.operation_id, str):
                    named.setdefault(name, []).append((handler, route.path_format))
    for name, places in named.items():
        shortest = min((path for _, path in places), key=lambda path: (len(path), path))
        for handler, _ in places if len(places) > 1 else ():
            handler.operation_id = partial(_aliased_id, name, shortest)


def _aliased_id(
    name: str, shortest: str, _handler: HTTPRouteHandler, _method: HttpMethod, path: list[str | PathParameterDefinition]
) -> str:
    parts = [part if isinstance(part, str) else f"{{{part.name}}}" for part in path]
    if "/" + "/".join(parts) == shortest:
        return name
    return "_".join([name, "at", *(part.strip("{}") for part in parts)])


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
    if error.status_code >= 500:
        return _unforeseen(request, error)
    if error.status_code == 413:
        return _outpost_error(request, TooLarge("The body of the request is larger than this route takes."))
    if error.status_code == 404:
        return _outpost_error(request, NotFound("There is nothing at this path.", hint=OFFERED))
    if error.status_code == 400:
        if fields := _fields(request, error):
            return _outpost_error(request, InvalidInput("A field is wrong.", fields=fields))
        return _outpost_error(request, InvalidInput(error.detail or "The request cannot be read."))
    code = _CODES.get(error.status_code, "http-error")
    title = _TITLES.get(error.status_code) or error.detail or "The request was refused"
    body = {
        "type": f"urn:outpost:problem:{code}",
        "title": title,
        "status": error.status_code,
        "detail": f"{title.rstrip('.')}.",
        "code": code,
        "instance": request.url.path,
        "hint": OFFERED,
    }
    return _respond(body, dict(error.headers or {}))


def _fields(request: Request[Any, Any, Any], error: HTTPException) -> list[dict[str, str]]:
    if not isinstance(error, ValidationException) or not isinstance(error.extra, list):
        return []
    # Pydantic puts its own words before those of our validators.
    found = [
        (str(one.get("key", "")), str(one.get("message", "")).removeprefix("Value error, ")) for one in error.extra
    ]
    # A parameter that was not sent at all is told by its name in quotes.
    return [
        {"field": _as_written(request, key), "why": "is missing" if why == repr(key) else why} for key, why in found
    ]


def _as_written(request: Request[Any, Any, Any], key: str) -> str:
    """A parameter by the name that a client knows it by: a handler may have to call it something else."""
    if key == "data":
        return ""
    parameter = request.route_handler.parsed_fn_signature.parameters.get(key)
    return getattr(parameter and parameter.kwarg_definition, "name", None) or key


def _beyond_reason(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """A number or a moment that no database holds, or half a character: only a request brings such things in."""
    log.warning("request beyond reason", kind=type(error).__name__, exc_info=error)
    return _outpost_error(request, InvalidInput("A number, a moment or a text is not one that can be stored."))


def _unforeseen(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    log.error("request failed unforeseen", kind=type(error).__name__, exc_info=error)
    return _respond(problem(OutpostError("The node could not finish this."), instance=request.url.path))
