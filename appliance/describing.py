"""What the description of the API says of every operation alike."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from litestar.openapi.datastructures import ResponseSpec
from litestar.routes import HTTPRoute
from pydantic import BaseModel, ConfigDict

from appliance.deprecation import DEPRECATED

if TYPE_CHECKING:
    from litestar import Litestar
    from litestar.enums import HttpMethod
    from litestar.handlers import HTTPRouteHandler
    from litestar.types.internal_types import PathParameterDefinition

PROBLEM: Final = "application/problem+json"


class Problem(BaseModel):
    """Why a request was refused (RFC 9457). `code` is stable; more members may stand beside these."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    instance: str
    correlation_id: UUID


_REFUSED: Final = ResponseSpec(Problem, generate_examples=False, description="A problem.", media_type=PROBLEM)
_KNOWN: Final = ResponseSpec(None, generate_examples=False, description="It has not changed; only with If-None-Match.")


def make_describable(application: Litestar) -> None:
    """What OpenAPI wants and Litestar does not do: every id once, "nobody needs to sign in" said aloud, our own refusals.

    Of an operation with several paths only the shortest keeps its id. An empty `security` would be left out, and the
    operation would seem to need a token.
    """
    named: dict[str, list[tuple[HTTPRouteHandler, str]]] = {}
    for route in application.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                handler.responses = {**_refusals(handler), **(handler.responses or {})}
                if handler.security == []:
                    handler.security = [{}]
                if any(f"{method} {route.path_format}" in DEPRECATED for method in handler.http_methods):
                    handler.deprecated = True
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


def _refusals(handler: HTTPRouteHandler) -> dict[Any, ResponseSpec]:
    """Any operation may be refused; what is read may be known already."""
    known: dict[Any, ResponseSpec] = {304: _KNOWN} if "GET" in handler.http_methods else {}
    return {**known, 400: _REFUSED, "default": _REFUSED}
