"""Step-up by an identity provider over HTTP: away in a window of its own, and back with a code."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, Response, post
from litestar.params import JSONBody
from pydantic import Field

from appliance.identity.factor_schemas import StepUpView
from appliance.identity.federation import api, journeys
from appliance.identity.federation.confirming import AGAIN
from appliance.identity.schemas import Body, address_of
from appliance.identity.step_ups import StepUps
from appliance.identity.values import DEFAULT_LIFETIMES
from appliance.store import Principal, Store
from appliance.web import Injected


class StepUpOutside(Body):
    """What is to be confirmed, as the refusal named it."""

    action: Annotated[str, Field(min_length=1, max_length=64)]
    resource: Annotated[str, Field(max_length=200)] = ""


class StepUpDeparture(Body):
    url: Annotated[
        str, Field(description="Where this browser goes; it comes back to /console with a code behind the #.")
    ]


class StepUpCode(Body):
    code: Annotated[str, Field(min_length=1, max_length=200)]


class ConfirmingController(Controller):
    path = "/v1/auth/step-up/outside"
    tags = ("Sign-in",)

    @post("/", operation_id="step_up_outside", asks=(), status_code=200)
    async def begin(
        self,
        data: JSONBody[StepUpOutside],
        principal: Injected[Principal],
        store: Injected[Store],
        federation: Injected[api.Federation],
    ) -> Response[StepUpDeparture]:
        """Begin to confirm one action by signing in at the identity provider once more, in this browser."""
        kind, about = await federation.confirmations.about(principal, data.action, data.resource)
        slug = await api.slug_of(store, principal)
        again = (
            federation.oidc.start(slug, about=about, more=AGAIN)
            if kind == "oidc"
            else federation.saml.start(slug, about)
        )
        departure = await again
        cookie = api.cookie_of(federation, departure.cookie, int(journeys.LASTS.total_seconds()))
        return Response(StepUpDeparture(url=departure.url), status_code=200, cookies=[cookie])

    @post("/exchange", operation_id="exchange_step_up", asks=(), status_code=200)
    async def exchange(
        self,
        data: JSONBody[StepUpCode],
        request: Request[Any, Any, Any],
        principal: Injected[Principal],
        federation: Injected[api.Federation],
        step_ups: Injected[StepUps],
    ) -> StepUpView:
        """Exchange the code that the browser came back with for a step-up, once, in the session that began."""
        cookie = request.cookies.get(journeys.COOKIE)
        confirmed = await federation.confirmations.exchanged(principal, data.code, cookie, address=address_of(request))
        given = await step_ups.vouched(principal, *confirmed)
        return StepUpView(step_up=given, expires_in=int(DEFAULT_LIFETIMES.step_up.total_seconds()))


ROUTES = [ConfirmingController]
