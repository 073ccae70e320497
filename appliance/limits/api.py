"""Limits over HTTP: what holds, what of it is used, and counting afresh."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Annotated
from uuid import UUID

from litestar import Controller, delete, get, post, put
from litestar.params import FromPath, JSONBody
from pydantic import BaseModel, ConfigDict, Field

from appliance.gate import Gate
from appliance.identity.factors_api import XStepUp
from appliance.identity.step_ups import StepUps
from appliance.limits.overriding import Override, Scope
from appliance.limits.service import Limiter, Shown
from appliance.policy import Resource
from appliance.policy.limits import Rate
from appliance.store import Principal
from appliance.web import Injected


class RateView(BaseModel):
    """Requests in any minute and in any hour; null where that is not limited."""

    minute: int | None
    hour: int | None

    @classmethod
    def of(cls, rate: Rate) -> RateView:
        return cls(minute=rate.minute, hour=rate.hour)


class UsedView(BaseModel):
    """What was counted in one window. The subject is a person, a kiosk and a person, or empty for the whole plant."""

    subject: str
    what: str
    seconds: int
    used: int


class OverrideView(BaseModel):
    """A limit that an admin set; null leaves what the policy pack says. `subject` is a role, a person's id or a route."""

    id: UUID
    scope: Scope
    subject: str
    minute: int | None
    hour: int | None
    set_by: UUID
    set_at: dt.datetime

    @classmethod
    def of(cls, one: Override) -> OverrideView:
        return cls(
            id=one.id, scope=one.scope, subject=one.subject, minute=one.rate.minute, hour=one.rate.hour,
            set_by=one.set_by, set_at=one.set_at,
        )  # fmt: skip


Number = Annotated[int, Field(ge=1, le=10**6)]


class NewLimit(BaseModel):
    """Requests of the plant, of each person of a role, of one person, or of each person on one route."""

    model_config = ConfigDict(extra="forbid")

    scope: Scope
    subject: Annotated[
        str, Field(max_length=160, description="A role, a person's id or a route; empty for the plant.")
    ] = ""
    minute: Number | None = None
    hour: Number | None = None


class LimitsView(BaseModel):
    """The limits in force, and what of them is used in your plant. In development only the ceiling holds."""

    environment: str
    rate_limit_per_minute: int
    roles: dict[str, RateView]
    tenant: RateView
    tenants: dict[str, RateView]
    routes: dict[str, RateView]
    scopes: dict[str, RateView]
    uncounted: list[str]
    ceilings: Annotated[dict[str, RateView], Field(description="Up to where an admin may widen: `person`, `plant`.")]
    set: Annotated[list[OverrideView], Field(description="What admins set.")]
    used: list[UsedView]

    @classmethod
    def of(cls, shown: Shown) -> LimitsView:
        limits = shown.limits
        return cls(
            environment=shown.profile,
            rate_limit_per_minute=shown.ceiling,
            roles={name: RateView.of(rate) for name, rate in limits.roles.items()},
            tenant=RateView.of(limits.tenant),
            tenants={name: RateView.of(rate) for name, rate in limits.tenants.items()},
            routes={name: RateView.of(rate) for name, rate in limits.routes.items()},
            scopes={name: RateView.of(rate) for name, rate in limits.scopes.items()},
            uncounted=sorted(limits.uncounted),
            ceilings={name: RateView.of(rate) for name, rate in limits.ceilings.items()},
            set=[OverrideView.of(one) for one in shown.set],
            used=[
                UsedView(subject=one.subject, what=one.what, seconds=one.seconds, used=one.used) for one in shown.used
            ],
        )


class Reset(BaseModel):
    """Whose counts are forgotten: a subject as the list shows it, or without one everybody's in the plant."""

    model_config = ConfigDict(extra="forbid")

    subject: Annotated[str | None, Field(max_length=80)] = None


class ResetView(BaseModel):
    """How many windows began afresh."""

    windows: int


class LimitsController(Controller):
    path = "/v1/admin/limits"
    tags = ("Limits",)

    @get("/", operation_id="show_limits", asks="limits.read")
    async def show(
        self, principal: Injected[Principal], gate: Injected[Gate], limiter: Injected[Limiter]
    ) -> LimitsView:
        """The limits in force and what of them is used."""
        async with gate.admit(principal, "limits.read", resource=Resource("limit")) as admitted:
            return LimitsView.of(await limiter.show(admitted))

    @post("/reset", operation_id="reset_limits", asks="limits.reset", status_code=200)
    async def reset(
        self,
        principal: Injected[Principal],
        gate: Injected[Gate],
        limiter: Injected[Limiter],
        data: JSONBody[Reset | None] = None,
    ) -> ResetView:
        """Count afresh."""
        wanted = data or Reset()
        request = wanted.model_dump_json().encode()
        resource = Resource("limit", wanted.subject)
        async with gate.admit(principal, "limits.reset", resource=resource, request=request) as admitted:
            return ResetView(windows=await limiter.reset(admitted, wanted.subject))

    @put("/set", operation_id="set_limit", asks="limits.set")
    async def put(
        self,
        data: JSONBody[NewLimit],
        principal: Injected[Principal],
        gate: Injected[Gate],
        limiter: Injected[Limiter],
        step_ups: Injected[StepUps],
        x_step_up: XStepUp = None,
    ) -> OverrideView:
        """Set a limit tighter than the policy pack's, or wider up to its ceilings; a step-up is asked for where it widens."""
        request, about = data.model_dump_json().encode(), f"{data.scope} {data.subject}".strip()
        proven = partial(step_ups.require, principal, "limits.set", about, x_step_up)
        async with gate.admit(principal, "limits.set", resource=Resource("limit"), request=request) as admitted:
            place, rate = (data.scope, data.subject), Rate(data.minute, data.hour)
            return OverrideView.of(await limiter.set(admitted, place, rate, proven=proven))

    @delete("/set/{override_id:uuid}", operation_id="unset_limit", asks="limits.set")
    async def unset(
        self,
        override_id: FromPath[UUID],
        principal: Injected[Principal],
        gate: Injected[Gate],
        limiter: Injected[Limiter],
        step_ups: Injected[StepUps],
        x_step_up: XStepUp = None,
    ) -> None:
        """Let the policy pack's limit hold again; a step-up is asked for where that is wider."""
        proven = partial(step_ups.require, principal, "limits.set", str(override_id), x_step_up)
        async with gate.admit(principal, "limits.set", resource=Resource("limit", str(override_id))) as admitted:
            await limiter.unset(admitted, override_id, proven=proven)


ROUTES = [LimitsController]
