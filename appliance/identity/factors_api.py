"""Second factors and step-up over HTTP."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, delete, get, post
from litestar.params import FromPath, HeaderParameter, JSONBody

from appliance.identity import factor_schemas as shapes
from appliance.identity.factors import Factors
from appliance.identity.ports import Door
from appliance.identity.proofs import Proofs
from appliance.identity.schemas import TokenView, address_of, origin_of
from appliance.identity.sign_in import SignIn
from appliance.identity.step_ups import StepUps
from appliance.identity.values import DEFAULT_LIFETIMES
from appliance.policy.values import Resource
from appliance.store import Principal
from appliance.web import Injected

XStepUp = Annotated[
    str | None, HeaderParameter(name="X-Step-Up", description="From /v1/auth/step-up, for this action alone.")
]


class SecondStepController(Controller):
    path = "/v1/auth"
    tags = ("Sign-in",)

    @post("/second-factor", operation_id="second_factor", status_code=200, security=[])
    async def second_factor(
        self, data: JSONBody[shapes.SecondFactor], request: Request[Any, Any, Any], sign_in: Injected[SignIn]
    ) -> TokenView:
        """Answer the challenge of a sign-in with a code, and get tokens."""
        answer = data.answer(origin_of(request))
        return TokenView.of(await sign_in.second_factor(answer, address=address_of(request)))

    @post("/second-factor/options", operation_id="second_factor_options", status_code=200, security=[])
    async def second_factor_options(
        self, data: JSONBody[shapes.KeyRequest], request: Request[Any, Any, Any], sign_in: Injected[SignIn]
    ) -> shapes.KeyOptions:
        """What to ask a security key for in the second step of a sign-in."""
        options = await sign_in.key_request(data.challenge, origin_of(request))
        return shapes.KeyOptions(challenge=data.challenge, public_key=options)

    @post("/step-up/options", operation_id="step_up_options", asks=(), status_code=200)
    async def step_up_options(
        self, request: Request[Any, Any, Any], principal: Injected[Principal], proofs: Injected[Proofs]
    ) -> shapes.KeyOptions:
        """What to ask a security key for before a step-up."""
        return shapes.KeyOptions.of(await proofs.key_request(principal, origin_of(request)))

    @post("/step-up", operation_id="step_up", asks=(), status_code=200)
    async def step_up(
        self,
        data: JSONBody[shapes.StepUp],
        request: Request[Any, Any, Any],
        principal: Injected[Principal],
        step_ups: Injected[StepUps],
    ) -> shapes.StepUpView:
        """Show again that it is you, for one action on one thing."""
        proof = data.proof(origin_of(request))
        given = await step_ups.give(principal, data.action, data.resource, proof, address=address_of(request))
        return shapes.StepUpView(step_up=given, expires_in=int(DEFAULT_LIFETIMES.step_up.total_seconds()))


class FactorController(Controller):
    path = "/v1/auth/factors"
    tags = ("Second factors",)

    @get("/", operation_id="list_factors", asks="factors.read")
    async def own(
        self, principal: Injected[Principal], gate: Injected[Door], factors: Injected[Factors]
    ) -> shapes.FactorsView:
        """Your own second factors."""
        async with gate.admit(principal, "factors.read", resource=Resource("person")) as admitted:
            return shapes.FactorsView.of(await factors.own(admitted))

    @post("/totp", operation_id="offer_totp", asks="factors.enrol")
    async def offer_totp(
        self,
        principal: Injected[Principal],
        gate: Injected[Door],
        factors: Injected[Factors],
        sign_in: Injected[SignIn],
        step_ups: Injected[StepUps],
        data: JSONBody[shapes.NewTotp | None] = None,
        x_step_up: XStepUp = None,
    ) -> shapes.TotpOfferView:
        """Begin with an authenticator app: its secret is shown this once, and counts when a code confirms it."""
        async with gate.admit(principal, "factors.enrol", resource=Resource("person")) as admitted:
            await step_ups.require(principal, "factors.enrol", "", x_step_up)
            _, site = await sign_in.person_of(principal)
            offer = await factors.begin_totp(admitted, (data or shapes.NewTotp()).name, site)
            return shapes.TotpOfferView.offered(offer)

    @post("/webauthn", operation_id="offer_security_key", asks="factors.enrol", status_code=200)
    async def offer_key(
        self,
        request: Request[Any, Any, Any],
        principal: Injected[Principal],
        gate: Injected[Door],
        factors: Injected[Factors],
        sign_in: Injected[SignIn],
        step_ups: Injected[StepUps],
        data: JSONBody[shapes.NewSecurityKey | None] = None,
        x_step_up: XStepUp = None,
    ) -> shapes.KeyOptions:
        """Begin with a security key or passkey."""
        async with gate.admit(principal, "factors.enrol", resource=Resource("person")) as admitted:
            await step_ups.require(principal, "factors.enrol", "", x_step_up)
            _, site = await sign_in.person_of(principal)
            name = (data or shapes.NewSecurityKey()).name
            return shapes.KeyOptions.of(await factors.begin_key(admitted, name, site, origin_of(request)))

    @post("/webauthn/confirm", operation_id="confirm_security_key", asks="factors.enrol", status_code=200)
    async def confirm_key(
        self,
        data: JSONBody[shapes.SecurityKeyMade],
        request: Request[Any, Any, Any],
        principal: Injected[Principal],
        gate: Injected[Door],
        factors: Injected[Factors],
        sign_in: Injected[SignIn],
    ) -> shapes.ConfirmedView:
        """Take the credential that a security key made. Your other sessions end."""
        async with gate.admit(principal, "factors.enrol", resource=Resource("person")) as admitted:
            confirmed = await factors.confirm_key(admitted, data.challenge, data.credential, origin_of(request))
            made = shapes.ConfirmedView.made(confirmed)
        sign_in.forget()
        return made

    @post("/{factor_id:uuid}/confirm", operation_id="confirm_factor", asks="factors.enrol", status_code=200)
    async def confirm(
        self,
        factor_id: FromPath[UUID],
        data: JSONBody[shapes.FirstCode],
        principal: Injected[Principal],
        gate: Injected[Door],
        factors: Injected[Factors],
        sign_in: Injected[SignIn],
    ) -> shapes.ConfirmedView:
        """Make a factor count with its first code. Your other sessions end."""
        resource = Resource("person", str(factor_id))
        async with gate.admit(principal, "factors.enrol", resource=resource) as admitted:
            made = shapes.ConfirmedView.made(await factors.confirm_totp(admitted, factor_id, data.code))
        sign_in.forget()
        return made

    @post("/recovery-codes", operation_id="renew_recovery_codes", asks="factors.enrol", status_code=200)
    async def renew(
        self,
        principal: Injected[Principal],
        gate: Injected[Door],
        factors: Injected[Factors],
        step_ups: Injected[StepUps],
        x_step_up: XStepUp = None,
    ) -> shapes.RecoveryCodesView:
        """Ten new recovery codes, shown this once; those before them are void."""
        async with gate.admit(principal, "factors.enrol", resource=Resource("person")) as admitted:
            await step_ups.require(principal, "factors.enrol", "", x_step_up)
            return shapes.RecoveryCodesView(recovery_codes=list(await factors.renew_codes(admitted)))

    @delete("/{factor_id:uuid}", operation_id="remove_factor", asks="factors.remove")
    async def remove(
        self,
        factor_id: FromPath[UUID],
        principal: Injected[Principal],
        gate: Injected[Door],
        factors: Injected[Factors],
        sign_in: Injected[SignIn],
        step_ups: Injected[StepUps],
        x_step_up: XStepUp = None,
    ) -> None:
        """Remove one of your own factors."""
        resource = Resource("person", str(factor_id))
        async with gate.admit(principal, "factors.remove", resource=resource) as admitted:
            await step_ups.require(principal, "factors.remove", str(factor_id), x_step_up)
            await factors.remove(admitted, factor_id)
        sign_in.forget()


class FactorResetController(Controller):
    path = "/v1/admin/users"
    tags = ("People",)

    @delete("/{person_id:uuid}/factors", operation_id="reset_factors", asks="factors.reset")
    async def reset(
        self,
        person_id: FromPath[UUID],
        principal: Injected[Principal],
        gate: Injected[Door],
        factors: Injected[Factors],
        sign_in: Injected[SignIn],
        step_ups: Injected[StepUps],
        x_step_up: XStepUp = None,
    ) -> None:
        """Remove all second factors of somebody who lost them. Their sessions end; the password alone is asked next."""
        resource = Resource("person", str(person_id))
        async with gate.admit(principal, "factors.reset", resource=resource) as admitted:
            await step_ups.require(principal, "factors.reset", str(person_id), x_step_up)
            await factors.reset(admitted, person_id)
        sign_in.forget()


ROUTES = [SecondStepController, FactorController, FactorResetController]
