"""How the node did, over HTTP."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, cast

from litestar import Controller, get
from litestar.params import FromQuery, QueryParameter
from pydantic import BaseModel

from appliance.gate import Gate
from appliance.policy import Resource
from appliance.store import Principal
from appliance.vitals.rules import STEPS, Hours, Point
from appliance.vitals.service import Vitals
from appliance.web import Injected


class PointView(BaseModel):
    """Some minutes together. Null where the node did not run; times are null too where nobody asked anything."""

    at: dt.datetime
    requests: int | None
    failed: int | None
    median_ms: float | None
    slow_ms: float | None
    questions: int | None
    findings: int | None
    waiting: int | None
    free: int | None
    memory: int | None

    @classmethod
    def of(cls, one: Point) -> PointView:
        return cls(
            at=one.at, requests=one.requests, failed=one.failed, median_ms=one.median_ms, slow_ms=one.slow_ms,
            questions=one.questions, findings=one.findings, waiting=one.waiting, free=one.free, memory=one.memory,
        )  # fmt: skip


class Trends(BaseModel):
    """`slow_ms` is what 95 of 100 requests did not take longer than; `free` and `memory` are bytes."""

    step_seconds: int
    points: list[PointView]


class VitalsController(Controller):
    path = "/v1/health"
    tags = ("Node",)

    @get("/trends", operation_id="trends", asks="node.health")
    async def trends(
        self,
        principal: Injected[Principal],
        gate: Injected[Gate],
        vitals: Injected[Vitals],
        hours: Annotated[
            FromQuery[Literal["1", "24"]],
            QueryParameter(description="The last hour by minutes, or the last day by 20."),
        ] = "1",
    ) -> Trends:
        """How the node did lately: requests and their times, questions, findings, queue, disk, memory."""
        wanted = cast("Hours", int(hours))
        async with gate.admit(principal, "node.health", resource=Resource("node")):
            found = await vitals.points(wanted)
        return Trends(step_seconds=STEPS[wanted] * 60, points=[PointView.of(one) for one in found])


ROUTES = [VitalsController]
