"""What the OpenAPI description says of refusals: once, for every operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Reference, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.openapi.spec.responses import Responses

PROBLEM: Final = "application/problem+json"
_TEXT: Final = Schema(type=OpenAPIType.STRING)
_FIELD: Final = Schema(
    type=OpenAPIType.OBJECT, properties={"field": _TEXT, "why": _TEXT}, required=["field", "why"]
)  # fmt: skip
_PROBLEM: Final = Schema(
    type=OpenAPIType.OBJECT,
    title="Problem",
    description="Problem details (RFC 9457). Programs look at `code` (docs/reference/errors.md), people at the rest; "
    "some codes add members of their own.",
    properties={
        "type": Schema(type=OpenAPIType.STRING, description="`urn:outpost:problem:` and the code."),
        "title": _TEXT,
        "status": Schema(type=OpenAPIType.INTEGER, minimum=400, maximum=599),
        "detail": _TEXT,
        "code": _TEXT,
        "hint": Schema(type=OpenAPIType.STRING, description="What to do next."),
        "instance": Schema(type=OpenAPIType.STRING, description="The path that was asked for."),
        "correlation_id": Schema(
            type=OpenAPIType.STRING, format=OpenAPIFormat.UUID, description="Also in `x-request-id` and in the logs."
        ),
        "fields": Schema(type=OpenAPIType.ARRAY, items=_FIELD, description="Which fields are wrong, and why."),
        "policies": Schema(type=OpenAPIType.ARRAY, items=_TEXT, description="Which policies refused it."),
    },
    required=["type", "title", "status", "detail", "code", "hint", "instance", "correlation_id"],
)
RESPONSES: Final[dict[str, OpenAPIResponse | Reference]] = {
    "Problem": OpenAPIResponse(
        description="It was not done, and why.", content={PROBLEM: OpenAPIMediaType(schema=_PROBLEM)}
    )
}
_REFUSALS: Final[dict[str, OpenAPIResponse | Reference]] = {
    status: Reference(ref="#/components/responses/Problem") for status in ("4XX", "5XX")
}


def with_problems(kind: type[Operation]) -> type[Operation]:
    """The same kind of operation, whose refusals are problem details in place of what the framework says of them."""

    @dataclass
    class Described(kind):  # type: ignore[valid-type, misc]
        def __post_init__(self) -> None:
            made = getattr(super(), "__post_init__", None)
            if made is not None:
                made()
            responses: Responses = getattr(self, "responses", None) or {}
            # The framework's own 400 is not what this appliance answers.
            self.responses = {status: found for status, found in responses.items() if status != "400"} | _REFUSALS

    return Described
