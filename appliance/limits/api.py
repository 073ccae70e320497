"""Limits over HTTP: what holds, what of it is used, and counting afresh."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get, post
from litestar.params import JSONBody
from pydantic import BaseModel, ConfigDict, Field

from appliance.gate import Gate
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


ROUTES = [LimitsController]
