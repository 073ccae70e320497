"""Identity providers of a tenant over HTTP, and the way of a browser to them and back."""

from __future__ import annotations

from dataclasses import dataclass

from litestar import Controller, get, put
from litestar.params import JSONBody

from appliance.identity.federation import schemas
from appliance.identity.federation.keys import Keys
from appliance.identity.federation.providers import Providers
from appliance.identity.ports import Door
from appliance.policy.values import Resource
from appliance.store import Principal, Store
from appliance.web import Injected


@dataclass(frozen=True, slots=True)
class Federation:
    """Everything about identity providers, for one process; `public_url` is what people type to reach the box."""

    providers: Providers
    keys: Keys
    public_url: str


class SignInSettingsController(Controller):
    path = "/v1/admin/sign-in"
    tags = ("Sign-in",)

    @get("/", operation_id="get_sign_in")
    async def read(
        self,
        principal: Injected[Principal],
        gate: Injected[Door],
        store: Injected[Store],
        federation: Injected[Federation],
    ) -> schemas.SignInView:
        """Which identity providers your plant trusts, and what to register with them. Secrets are not shown."""
        async with gate.admit(principal, "sign_in.read", resource=Resource("sign_in")) as admitted:
            found = await federation.providers.of(admitted)
        return schemas.SignInView.of(found, federation.public_url, await _slug(store, principal))

    @put("/", operation_id="set_sign_in")
    async def write(
        self,
        data: JSONBody[schemas.SignInSettings],
        principal: Injected[Principal],
        gate: Injected[Door],
        store: Injected[Store],
        federation: Injected[Federation],
    ) -> schemas.SignInView:
        """Set them as a whole. Nobody who comes from outside gets more than you have yourself."""
        # The record keeps a hash of what was asked for; not even that is made of a secret.
        request = data.model_dump_json(exclude={"oidc": {"client_secret"}}).encode()
        async with gate.admit(principal, "sign_in.manage", resource=Resource("sign_in"), request=request) as admitted:
            found = await federation.providers.put(admitted, data.wanted(principal.tenant_id))
        return schemas.SignInView.of(found, federation.public_url, await _slug(store, principal))


async def _slug(store: Store, principal: Principal) -> str:
    return next(one.slug for one in await store.tenants() if one.id == principal.tenant_id)


ROUTES = [SignInSettingsController]
