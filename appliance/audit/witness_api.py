"""A witness over HTTP: c2sp.org/tlog-witness, for programs that hold a key of this node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from litestar import Controller, Request, Response, post
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from appliance.audit.cosigning import MOST
from appliance.audit.errors import HeadConflict, HeadForked, HeadNotConsistent, MalformedSubmission
from appliance.audit.ports import Door
from appliance.audit.witness import Witness
from appliance.policy.values import Resource
from appliance.store import Principal
from appliance.web import Injected

COSIGN: Final = "audit.cosign"
SIZE: Final = "text/x.tlog.size"
_TEXT: Final = Schema(type=OpenAPIType.STRING)


@dataclass
class QuestionOperation(Operation):
    """What is sent and answered, described by hand: lines of text."""

    def __post_init__(self) -> None:
        self.request_body = RequestBody(content={"text/plain": OpenAPIMediaType(schema=_TEXT)}, required=True)
        self.responses = {
            "200": OpenAPIResponse(
                description="The line of the cosignature.", content={"text/plain": OpenAPIMediaType(schema=_TEXT)}
            ),
            "409": OpenAPIResponse(
                description="How many records were cosigned last; the proof must lead from there.",
                content={SIZE: OpenAPIMediaType(schema=_TEXT)},
            ),
        }


class WitnessController(Controller):
    path = "/v1/witness"
    tags = ("Record",)

    @post(
        "/add-checkpoint",
        operation_id="add_checkpoint",
        asks=COSIGN,
        status_code=200,
        operation_class=QuestionOperation,
        request_max_body_size=MOST,
    )
    async def add_checkpoint(
        self,
        request: Request[Any, Any, Any],
        principal: Injected[Principal],
        gate: Injected[Door],
        witness: Injected[Witness],
    ) -> Response[str]:
        """Cosign a checkpoint of a watched node, if it holds all that was cosigned before: `old SIZE`, proof, checkpoint."""
        raw = await request.body()
        try:
            async with gate.admit(principal, COSIGN, Resource("checkpoint"), request=raw) as admitted:
                question = _text(raw)
                try:
                    line, checkpoint = await witness.cosign(question)
                except (HeadForked, HeadNotConsistent):
                    # The node signed it: it is the proof that there are two histories.
                    admitted.outcome.metadata["checkpoint"] = question.partition("\n\n")[2]
                    raise
                admitted.outcome.metadata |= {"origin": checkpoint.origin, "size": checkpoint.size}
        except HeadConflict as conflict:
            return Response(f"{conflict.size}\n", status_code=409, headers={"content-type": SIZE})
        return Response(line, media_type="text/plain")


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise MalformedSubmission("A question to a witness is UTF-8.") from None


ROUTES = [WitnessController]
