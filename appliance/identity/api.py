"""Sign-in, kiosks and people over HTTP."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, delete, get, patch, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import BaseModel

from appliance.identity import api_keys_api, badges_api, factors_api, rules, schemas, tenants_api
from appliance.identity.factors_api import XStepUp
from appliance.identity.kiosks import Kiosks
from appliance.identity.people import People
from appliance.identity.ports import Door
from appliance.identity.sign_in import SignIn
from appliance.identity.step_ups import StepUps
from appliance.identity.values import NewPerson
from appliance.policy.values import Resource
from appliance.store import Principal
from appliance.web import PAGE_SIZE, PAGE_SIZE_MAX, Cursors, Injected

PageSize = Annotated[int, QueryParameter(ge=1, le=PAGE_SIZE_MAX)]


class AuthController(Controller):
    path = "/v1/auth"
    tags = ("Sign-in",)

    @post("/login", operation_id="login", status_code=200, security=[])
    async def login(
        self, data: JSONBody[schemas.Login], request: Request[Any, Any, Any], sign_in: Injected[SignIn]
    ) -> schemas.TokenView:
        """Exchange tenant, name and password for tokens."""
        signed_in = await sign_in.login(data.tenant, data.username, data.password, address=schemas.address_of(request))
        return schemas.TokenView.of(signed_in)

    @post("/refresh", operation_id="refresh", status_code=200, security=[])
    async def refresh(self, data: JSONBody[schemas.Refresh], sign_in: Injected[SignIn]) -> schemas.TokenView:
        """Exchange a refresh token for new tokens, once. Used again, it ends the session."""
        return schemas.TokenView.of(await sign_in.refresh(data.refresh_token))

    @post("/logout", operation_id="logout", asks=(), status_code=204)
    async def logout(self, principal: Injected[Principal], sign_in: Injected[SignIn]) -> None:
        """End this session; its tokens stop working at once."""
        await sign_in.logout(principal)

    @get("/me", operation_id="me", asks="auth.me")
    async def me(
        self, principal: Injected[Principal], gate: Injected[Door], sign_in: Injected[SignIn]
    ) -> schemas.MeView:
        """Who this request comes from, with the rights they have now."""
        async with gate.admit(principal, "auth.me", resource=Resource("person", str(principal.id))):
            display_name, tenant = await sign_in.person_of(principal)
            return schemas.MeView.of(principal, display_name, tenant)

    @put("/password", operation_id="change_password", asks="passwords.change", status_code=204)
    async def change_password(
        self,
        data: JSONBody[schemas.NewPassword],
        principal: Injected[Principal],
        gate: Injected[Door],
        people: Injected[People],
        sign_in: Injected[SignIn],
        step_ups: Injected[StepUps],
        x_step_up: XStepUp = None,
    ) -> None:
        """Choose your own password; your other sessions end.

        A step-up is asked for, but not where you have to: that session is at most fifteen minutes old and good for
        nothing else.
        """
        async with gate.admit(principal, "passwords.change", resource=Resource("person")) as admitted:
            if not principal.must_change:
                await step_ups.require(principal, "passwords.change", "", x_step_up)
            await people.change_own_password(admitted, data.password)
        sign_in.forget()


class KioskController(Controller):
    path = "/v1/kiosks"
    tags = ("Kiosks",)

    @post("/enrolment-codes", operation_id="create_enrolment_code", asks="kiosks.enrol")
    async def create_code(
        self,
        principal: Injected[Principal],
        gate: Injected[Door],
        kiosks: Injected[Kiosks],
        step_ups: Injected[StepUps],
        data: JSONBody[schemas.NewCode | None] = None,
        x_step_up: XStepUp = None,
    ) -> schemas.CodeView:
        """Make a code that enrols one device within 24 hours. It is shown this once."""
        wanted = data or schemas.NewCode()
        resource = Resource("enrolment_code")
        async with gate.admit(principal, "kiosks.enrol", resource=resource, request=_bytes(wanted)) as admitted:
            await step_ups.require(principal, "kiosks.enrol", "", x_step_up)
            return schemas.CodeView.of(await kiosks.issue_code(admitted, clearance=wanted.clearance))

    @post("/enrol", operation_id="enrol_kiosk", security=[])
    async def enrol(
        self, data: JSONBody[schemas.Enrolment], request: Request[Any, Any, Any], kiosks: Injected[Kiosks]
    ) -> schemas.EnrolledView:
        """Enrol this device with a code and its public key."""
        return schemas.EnrolledView.of(
            await kiosks.enrol(data.code, data.name, data.public_key, address=schemas.address_of(request))
        )

    @post("/challenge", operation_id="kiosk_challenge", status_code=200, security=[])
    async def challenge(
        self, data: JSONBody[schemas.ChallengeRequest], kiosks: Injected[Kiosks]
    ) -> schemas.ChallengeView:
        """Something for the kiosk to sign within a minute."""
        return schemas.ChallengeView(challenge=await kiosks.challenge(data.kiosk_id))

    @post("/token", operation_id="kiosk_token", status_code=200, security=[])
    async def token(
        self, data: JSONBody[schemas.Proof], request: Request[Any, Any, Any], kiosks: Injected[Kiosks]
    ) -> schemas.KioskTokenView:
        """Exchange a signed challenge for a token of five minutes."""
        token = await kiosks.token(data.kiosk_id, data.challenge, data.signature, address=schemas.address_of(request))
        return schemas.KioskTokenView.of(token)

    @get("/", operation_id="list_kiosks", asks="kiosks.list")
    async def page(
        self,
        principal: Injected[Principal],
        gate: Injected[Door],
        kiosks: Injected[Kiosks],
        cursors: Injected[Cursors],
        page_size: PageSize = PAGE_SIZE,
        page_token: FromQuery[str | None] = None,
    ) -> schemas.KioskPage:
        """The kiosks of your plant, by name."""
        position = ("", "")
        if page_token:
            after = cursors.decode(page_token)
            position = (after.text("kiosk"), after.text("id"))
        async with gate.admit(principal, "kiosks.list", resource=Resource("kiosk")) as admitted:
            found = await kiosks.page(admitted, after=position, limit=page_size + 1)
        shown = found[:page_size]
        following = (
            cursors.encode({"kiosk": shown[-1].name, "id": str(shown[-1].id)}) if len(found) > page_size else None
        )
        return schemas.KioskPage(items=[schemas.KioskView.of(kiosk) for kiosk in shown], next_page_token=following)

    @delete("/{kiosk_id:uuid}", operation_id="revoke_kiosk", asks="kiosks.revoke", status_code=200)
    async def revoke(
        self, kiosk_id: FromPath[UUID], principal: Injected[Principal], gate: Injected[Door], kiosks: Injected[Kiosks]
    ) -> schemas.KioskView:
        """Revoke a kiosk for good: it is refused from now on, and its key cannot be enrolled again."""
        async with gate.admit(principal, "kiosks.revoke", resource=Resource("kiosk", str(kiosk_id))) as admitted:
            return schemas.KioskView.of(await kiosks.revoke(admitted, kiosk_id))


class UserController(Controller):
    path = "/v1/admin/users"
    tags = ("People",)

    @get("/", operation_id="list_users", asks="people.list")
    async def page(
        self,
        principal: Injected[Principal],
        gate: Injected[Door],
        people: Injected[People],
        cursors: Injected[Cursors],
        page_size: PageSize = PAGE_SIZE,
        page_token: FromQuery[str | None] = None,
    ) -> schemas.UserPage:
        """The people of your plant, by the name they sign in with."""
        after = cursors.decode(page_token).text("user") if page_token else ""
        async with gate.admit(principal, "people.list", resource=Resource("person")) as admitted:
            found = await people.page(admitted, after=after, limit=page_size + 1)
        shown = found[:page_size]
        following = cursors.encode({"user": shown[-1].username}) if len(found) > page_size else None
        return schemas.UserPage(items=[schemas.AdminUserView.of(one) for one in shown], next_page_token=following)

    @post("/", operation_id="create_user", asks="people.create")
    async def create(
        self,
        data: JSONBody[schemas.NewUser],
        principal: Injected[Principal],
        gate: Injected[Door],
        people: Injected[People],
        step_ups: Injected[StepUps],
        x_step_up: XStepUp = None,
    ) -> schemas.CreatedUserView:
        """Add a person. Without a password one is generated and shown this once."""
        new = NewPerson(data.username, data.display_name, data.role, data.clearance, data.password)
        resource = Resource("person")
        async with gate.admit(principal, "people.create", resource=resource, request=_bytes(data)) as admitted:
            if data.role == "admin":
                await step_ups.require(principal, "people.create", "", x_step_up)
            return schemas.CreatedUserView.made(await people.create(admitted, new))

    @get("/{person_id:uuid}", operation_id="get_user", asks="people.list")
    async def read(
        self, person_id: FromPath[UUID], principal: Injected[Principal], gate: Injected[Door], people: Injected[People]
    ) -> schemas.AdminUserView:
        """One person."""
        async with gate.admit(principal, "people.list", resource=Resource("person", str(person_id))) as admitted:
            return schemas.AdminUserView.of(await people.read(admitted, person_id))

    @patch("/{person_id:uuid}", operation_id="update_user", asks="people.update")
    async def update(
        self,
        person_id: FromPath[UUID],
        data: JSONBody[schemas.UserChange],
        principal: Injected[Principal],
        gate: Injected[Door],
        people: Injected[People],
        step_ups: Injected[StepUps],
        x_step_up: XStepUp = None,
    ) -> schemas.AdminUserView:
        """Change a person. Lower rights, a new password and switching off end their sessions.

        More rights, switching on and a new password ask for a step-up.
        """
        change = data.change()
        resource = Resource("person", str(person_id))
        async with gate.admit(principal, "people.update", resource=resource, request=_bytes(data)) as admitted:
            if rules.raises(await people.read(admitted, person_id), change):
                await step_ups.require(principal, "people.update", str(person_id), x_step_up)
            return schemas.AdminUserView.of(await people.update(admitted, person_id, change))


def _bytes(data: BaseModel) -> bytes:
    """What the record hashes of a body. A password is left out: a hash of it could be tried out."""
    return data.model_dump_json(exclude={"password"}).encode()


ROUTES = [
    AuthController, KioskController, UserController, *tenants_api.ROUTES, *factors_api.ROUTES, *api_keys_api.ROUTES,
    *badges_api.ROUTES,
]  # fmt: skip
