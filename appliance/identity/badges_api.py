"""Badges and PINs over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from uuid import UUID

from litestar import Controller, delete, post, put
from litestar.params import FromPath, JSONBody
from pydantic import Field

from appliance.identity.badges import Badges
from appliance.identity.factors_api import XStepUp
from appliance.identity.identities import Identities
from appliance.identity.ports import Door
from appliance.identity.schemas import Body
from appliance.identity.step_ups import StepUps
from appliance.identity.values import PersonAtKiosk, Role
from appliance.policy.values import Resource
from appliance.store import Principal
from appliance.web import Injected

Badge = Annotated[str, Field(min_length=1, max_length=200, description="What the reader read.")]
Pin = Annotated[str, Field(min_length=1, max_length=32, description="6 to 12 digits.")]


class NewBadge(Body):
    badge: Badge
    pin: Pin | None = None


class NewPin(Body):
    pin: Pin


class BadgeRead(Body):
    badge: Badge
    pin: Annotated[Pin | None, Field(description="With it the person has their own role; without it a viewer's.")] = (
        None
    )


class PersonAtKioskView(Body):
    """Send `access_token` as the bearer token, and the kiosk's own as X-Kiosk-Token, with each request."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - RFC 6749
    expires_in: Annotated[int, Field(description="At most; it ends after ten minutes without use.")]
    id: UUID
    display_name: str
    role: Role
    clearance: int

    @classmethod
    def of(cls, at: PersonAtKiosk) -> Self:
        return cls(
            access_token=at.access_token,
            expires_in=at.expires_in,
            id=at.person.id,
            display_name=at.person.display_name,
            role=at.role,
            clearance=at.clearance,
        )


class AtKioskController(Controller):
    path = "/v1/kiosks/person"
    tags = ("Kiosks",)

    @post("/", operation_id="person_at_kiosk", asks="kiosks.person", status_code=200)
    async def sign_in(
        self,
        data: JSONBody[BadgeRead],
        principal: Injected[Principal],
        gate: Injected[Door],
        badges: Injected[Badges],
    ) -> PersonAtKioskView:
        """Sign a person in at this kiosk, by badge or by badge and PIN."""
        async with gate.admit(principal, "kiosks.person", resource=Resource("person")):
            return PersonAtKioskView.of(await badges.sign_in(principal, data.badge, data.pin))


class BadgeController(Controller):
    path = "/v1/admin/users"
    tags = ("People",)

    @put("/{person_id:uuid}/badge", operation_id="give_badge", asks="badges.set", status_code=204)
    async def give(
        self,
        person_id: FromPath[UUID],
        data: JSONBody[NewBadge],
        principal: Injected[Principal],
        gate: Injected[Door],
        badges: Injected[Badges],
        sign_in: Injected[Identities],
        step_ups: Injected[StepUps],
        x_step_up: XStepUp = None,
    ) -> None:
        """Give a person a badge, with a PIN or without, in place of those before."""
        async with gate.admit(principal, "badges.set", resource=Resource("person", str(person_id))) as admitted:
            await step_ups.require(principal, "badges.set", str(person_id), x_step_up)
            await badges.give(admitted, person_id, data.badge, data.pin)
        sign_in.forget()

    @delete("/{person_id:uuid}/badge", operation_id="take_badge", asks="badges.remove")
    async def take(
        self,
        person_id: FromPath[UUID],
        principal: Injected[Principal],
        gate: Injected[Door],
        badges: Injected[Badges],
        sign_in: Injected[Identities],
    ) -> None:
        """Remove a person's badge and PIN; they are signed out at every kiosk."""
        async with gate.admit(principal, "badges.remove", resource=Resource("person", str(person_id))) as admitted:
            await badges.take(admitted, person_id)
        sign_in.forget()


class PinController(Controller):
    path = "/v1/auth/pin"
    tags = ("Sign-in",)

    @put("/", operation_id="change_pin", asks="badges.pin", status_code=204)
    async def change(
        self,
        data: JSONBody[NewPin],
        principal: Injected[Principal],
        gate: Injected[Door],
        badges: Injected[Badges],
        step_ups: Injected[StepUps],
        x_step_up: XStepUp = None,
    ) -> None:
        """Choose the PIN of your own badge."""
        async with gate.admit(principal, "badges.pin", resource=Resource("person")) as admitted:
            await step_ups.require(principal, "badges.pin", "", x_step_up)
            await badges.change_pin(admitted, data.pin)


ROUTES = [AtKioskController, BadgeController, PinController]
