"""Providers of chat models, and who writes by default, over HTTP."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, delete, get, patch, post, put
from litestar.params import JSONBody, PathParameter

from appliance.gate import Gate
from appliance.policy import Resource
from appliance.routing import schemas
from appliance.routing.defaults import Defaults
from appliance.routing.providers import Providers
from appliance.routing.routes import Routes
from appliance.routing.values import LOCAL, Provider, Wanted
from appliance.routing.writing import Router
from appliance.store import Principal
from appliance.web import Injected

Word = Annotated[str, PathParameter(description="The id or the name of a provider.", max_length=40)]
PLAIN = "What is the torque?"
"""A question that is no more than a look-up."""


class ProvidersController(Controller):
    path = "/v1/admin/models/providers"
    tags = ("Models",)

    @get("/", operation_id="list_providers", asks="models.manage")
    async def listed(
        self,
        principal: Injected[Principal],
        gate: Injected[Gate],
        providers: Injected[Providers],
        routes: Injected[Routes],
    ) -> schemas.ProvidersView:
        """Who may be asked to write, and how each is now."""
        async with gate.admit(principal, "models.manage", resource=Resource("model")) as admitted:
            found = await providers.all(admitted)
        return schemas.ProvidersView(items=[await _view(one, routes) for one in found])

    @post("/register", operation_id="register_provider", asks="models.manage", status_code=201)
    async def register(
        self,
        data: JSONBody[schemas.NewProvider],
        principal: Injected[Principal],
        gate: Injected[Gate],
        providers: Injected[Providers],
        routes: Injected[Routes],
    ) -> schemas.ProviderView:
        """Let a server of the plant write answers too: its address is judged, it is asked, and its speed measured."""
        # The record keeps a hash of what was asked for; not even that is made of a key.
        request = data.model_dump_json(exclude={"key"}).encode()
        async with gate.admit(principal, "models.manage", resource=Resource("model"), request=request) as admitted:
            made = await providers.register(admitted, data.name, data.kind, data.registration())
        return await _view(made, routes)

    @put("/default", operation_id="set_main_provider", asks="models.activate", status_code=204)
    async def set_main(
        self,
        data: JSONBody[schemas.MainProvider],
        principal: Injected[Principal],
        gate: Injected[Gate],
        providers: Injected[Providers],
        defaults: Injected[Defaults],
    ) -> None:
        """Put a provider first, for the plant or for the whole node."""
        request = data.model_dump_json().encode()
        async with gate.admit(principal, "models.activate", resource=Resource("model"), request=request) as admitted:
            chosen = None if data.provider is None else (await providers.one(admitted, data.provider)).name
            await defaults.set_main(admitted, data.scope, chosen)

    @get("/main", operation_id="main_provider", asks="models.manage")
    async def main(
        self,
        principal: Injected[Principal],
        gate: Injected[Gate],
        providers: Injected[Providers],
        routes: Injected[Routes],
        defaults: Injected[Defaults],
        router: Injected[Router],
    ) -> schemas.ProviderView:
        """The provider that goes first for this plant: the one chosen, else the one that a plain question goes to."""
        async with gate.admit(principal, "models.manage", resource=Resource("model")) as admitted:
            chosen = await defaults.main(principal)
            if not chosen:
                chosen = await (await router.choose(Wanted(principal, PLAIN))).provider() or LOCAL
            return await _view(await providers.one(admitted, chosen), routes)

    @get("/{provider_id:str}", operation_id="get_provider", asks="models.manage")
    async def one(
        self,
        provider_id: Word,
        principal: Injected[Principal],
        gate: Injected[Gate],
        providers: Injected[Providers],
        routes: Injected[Routes],
    ) -> schemas.ProviderView:
        """One provider."""
        async with gate.admit(principal, "models.manage", resource=Resource("model")) as admitted:
            found = await providers.one(admitted, provider_id)
        return await _view(found, routes)

    @patch("/{provider_id:str}", operation_id="change_provider", asks="models.manage")
    async def change(
        self,
        provider_id: Word,
        data: JSONBody[schemas.ProviderChange],
        principal: Injected[Principal],
        gate: Injected[Gate],
        providers: Injected[Providers],
        routes: Injected[Routes],
    ) -> schemas.ProviderView:
        """Change a provider; a new address, key or model is tried first, and where it fails nothing is changed."""
        resource, request = Resource("model", provider_id), data.model_dump_json(exclude={"key"}).encode()
        async with gate.admit(principal, "models.manage", resource=resource, request=request) as admitted:
            changed = await providers.change(admitted, provider_id, data.registration())
        return await _view(changed, routes)

    @post("/{provider_id:str}/tests", operation_id="test_provider", asks="models.manage", status_code=200)
    async def test(
        self,
        provider_id: Word,
        principal: Injected[Principal],
        gate: Injected[Gate],
        providers: Injected[Providers],
        routes: Injected[Routes],
    ) -> schemas.ProviderView:
        """Ask a provider's models, and keep how fast they are."""
        async with gate.admit(principal, "models.manage", resource=Resource("model", provider_id)) as admitted:
            measured = await providers.remeasure(admitted, provider_id)
        return await _view(measured, routes)

    @delete("/{provider_id:str}", operation_id="remove_provider", asks="models.manage")
    async def remove(
        self, provider_id: Word, principal: Injected[Principal], gate: Injected[Gate], providers: Injected[Providers]
    ) -> None:
        """Ask a provider no longer."""
        async with gate.admit(principal, "models.manage", resource=Resource("model", provider_id)) as admitted:
            await providers.remove(admitted, provider_id)


class DefaultsController(Controller):
    path = "/v1/models/defaults"
    tags = ("Models",)

    @get("/", operation_id="model_defaults", asks="models.prefer")
    async def read(
        self,
        principal: Injected[Principal],
        gate: Injected[Gate],
        defaults: Injected[Defaults],
        routes: Injected[Routes],
        router: Injected[Router],
    ) -> schemas.DefaultsView:
        """What your answers are written with where you name nothing, and why."""
        async with gate.admit(principal, "models.prefer", resource=Resource("model")):
            return await _defaults(principal, defaults, routes, router)

    @patch("/", operation_id="set_model_default", asks=("models.prefer", "models.activate"))
    async def write(
        self,
        data: JSONBody[schemas.NewDefault],
        principal: Injected[Principal],
        gate: Injected[Gate],
        defaults: Injected[Defaults],
        routes: Injected[Routes],
        router: Injected[Router],
    ) -> schemas.DefaultsView:
        """Choose a tier or a model for yourself; an admin also for a role, the plant, or the whole node."""
        action = "models.prefer" if data.scope == "user" else "models.activate"
        request = data.model_dump_json().encode()
        async with gate.admit(principal, action, resource=Resource("model"), request=request) as admitted:
            await defaults.set_model(admitted, data.scope, data.subject, data.choice, await routes.all())
        return await _defaults(principal, defaults, routes, router)


async def _defaults(principal: Principal, defaults: Defaults, routes: Routes, router: Router) -> schemas.DefaultsView:
    every = await routes.all()
    writer = await router.choose(Wanted(principal, PLAIN))
    return schemas.DefaultsView(
        default=schemas.DefaultView.of(await defaults.resolved(principal, every)),
        chain=[schemas.DefaultView.of(one) for one in await defaults.chain(principal)],
        main_provider=await defaults.main(principal) or None,
        served_by=await writer.name(),
        models=sorted({one.name for one in every}),
    )


async def _view(provider: Provider, routes: Routes) -> schemas.ProviderView:
    seen = [
        schemas.RouteView.of(one.model, list(one.tiers), routes.state(one), routes.health(one))
        for one in await routes.all()
        if one.provider.id == provider.id
    ]
    return schemas.ProviderView.of(provider, seen)


ROUTES = [ProvidersController, DefaultsController]
