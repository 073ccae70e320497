"""API keys over HTTP."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Self
from uuid import UUID

from litestar import Controller, delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import Field

from appliance.identity.api_keys import ApiKeys
from appliance.identity.factors_api import XStepUp
from appliance.identity.identities import Identities
from appliance.identity.ports import Door
from appliance.identity.schemas import Body, Clearance, Name
from appliance.identity.step_ups import StepUps
from appliance.identity.values import ApiKey, ApiKeyMade, NewApiKey, Role
from appliance.policy.values import Resource
from appliance.store import Principal
from appliance.web import PAGE_SIZE, PAGE_SIZE_MAX, Cursors, Flag, Injected


class NewKey(Body):
    name: Name
    scopes: Annotated[
        tuple[Annotated[str, Field(max_length=64)], ...],
        Field(max_length=100, description="Names of actions, such as chat.ask: all that it may do."),
    ] = ()
    role: Annotated[Role | None, Field(description="Yours, unless lower is wanted.")] = None
    clearance: Clearance | None = None
    days: Annotated[int, Field(ge=1, le=366, description="How long it works.")] = 90
    minutes: Annotated[
        int | None,
        Field(ge=1, le=1440, description="A token for so many minutes, in place of days; it needs no scopes."),
    ] = None
    auditor: Annotated[Flag, Field(description="For an auditor: it reads the record and nothing else.")] = False


class ApiKeyView(Body):
    """A key as it is now: its role and clearance are never more than its maker's."""

    id: UUID
    prefix: str
    name: str
    maker_id: Annotated[UUID | None, Field(description="None where the owner of the node made it.")]
    role: Role
    clearance: int
    scopes: list[str]
    duties: list[str]
    is_active: bool
    created_at: dt.datetime
    expires_at: dt.datetime
    revoked_at: dt.datetime | None
    last_used_at: Annotated[dt.datetime | None, Field(description="To the hour.")]

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        return cls(
            id=key.id,
            prefix=key.prefix,
            name=key.name,
            maker_id=key.maker_id,
            role=key.role,
            clearance=key.clearance,
            scopes=sorted(key.scopes),
            duties=sorted(key.duties),
            is_active=key.is_active,
            created_at=key.created_at,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
            last_used_at=key.last_used_at,
        )


class ApiKeyMadeView(ApiKeyView):
    key: Annotated[str, Field(description="The whole key, shown this once. Send it as a bearer token or X-API-Key.")]

    @classmethod
    def made(cls, made: ApiKeyMade) -> Self:
        return cls(**ApiKeyView.of(made.key).model_dump(), key=made.secret)


class ApiKeyPage(Body):
    items: list[ApiKeyView]
    next_page_token: str | None


class ApiKeyController(Controller):
    path = "/v1/api-keys"
    tags = ("API keys",)

    @get("/", operation_id="list_api_keys", asks="api_keys.list")
    async def page(
        self,
        principal: Injected[Principal],
        gate: Injected[Door],
        api_keys: Injected[ApiKeys],
        cursors: Injected[Cursors],
        page_size: Annotated[int, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
        page_token: FromQuery[str | None] = None,
    ) -> ApiKeyPage:
        """The keys of your plant, by prefix; revoked and old ones too."""
        after = cursors.decode(page_token).text("api_key") if page_token else ""
        async with gate.admit(principal, "api_keys.list", resource=Resource("api_key")) as admitted:
            found = await api_keys.page(admitted, after=after, limit=page_size + 1)
        shown = found[:page_size]
        following = cursors.encode({"api_key": shown[-1].prefix}) if len(found) > page_size else None
        return ApiKeyPage(items=[ApiKeyView.of(one) for one in shown], next_page_token=following)

    @post("/", operation_id="create_api_key", asks="api_keys.create")
    async def create(
        self,
        data: JSONBody[NewKey],
        principal: Injected[Principal],
        gate: Injected[Door],
        api_keys: Injected[ApiKeys],
        step_ups: Injected[StepUps],
        x_step_up: XStepUp = None,
    ) -> ApiKeyMadeView:
        """Make a key for a program. The whole of it is shown this once."""
        new = NewApiKey(
            data.name, frozenset(data.scopes), data.role, data.clearance, data.days, data.auditor, data.minutes
        )
        asked, resource = data.model_dump_json().encode(), Resource("api_key")
        async with gate.admit(principal, "api_keys.create", resource=resource, request=asked) as admitted:
            await step_ups.require(principal, "api_keys.create", "", x_step_up)
            return ApiKeyMadeView.made(await api_keys.create(admitted, new))

    @post("/{key_id:uuid}/rotate", operation_id="rotate_api_key", asks="api_keys.rotate", status_code=200)
    async def rotate(
        self,
        key_id: FromPath[UUID],
        principal: Injected[Principal],
        gate: Injected[Door],
        api_keys: Injected[ApiKeys],
        sign_in: Injected[Identities],
        step_ups: Injected[StepUps],
        x_step_up: XStepUp = None,
    ) -> ApiKeyMadeView:
        """Give a key a new secret, shown this once. The old one stops working within two seconds."""
        async with gate.admit(principal, "api_keys.rotate", resource=Resource("api_key", str(key_id))) as admitted:
            await step_ups.require(principal, "api_keys.rotate", str(key_id), x_step_up)
            made = ApiKeyMadeView.made(await api_keys.rotate(admitted, key_id))
        sign_in.forget()
        return made

    @delete("/{key_id:uuid}", operation_id="revoke_api_key", asks="api_keys.revoke", status_code=200)
    async def revoke(
        self,
        key_id: FromPath[UUID],
        principal: Injected[Principal],
        gate: Injected[Door],
        api_keys: Injected[ApiKeys],
        sign_in: Injected[Identities],
    ) -> ApiKeyView:
        """Revoke a key for good; it is refused within two seconds."""
        async with gate.admit(principal, "api_keys.revoke", resource=Resource("api_key", str(key_id))) as admitted:
            revoked = ApiKeyView.of(await api_keys.revoke(admitted, key_id))
        sign_in.forget()
        return revoked


ROUTES = [ApiKeyController]
