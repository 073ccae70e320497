"""What the node says of itself: alive, ready, well, and which node it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from litestar import Controller, Response, get
from litestar.openapi import ResponseSpec
from litestar.params import PathParameter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from appliance import __version__
from appliance.errors import NotFound
from appliance.gate import Gate
from appliance.health import Component, Health, State, has_started, overall
from appliance.policy import Resource
from appliance.store import Principal
from appliance.web import Injected


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What anybody may know of this node."""

    name: str
    role: str
    authority: str
    demo: bool
    languages: tuple[str, ...]
    kiosk_idle_seconds: int


class ComponentView(BaseModel):
    """A part of the node. `detail` is a fact, or what is wrong; `hint` what to do then; `ms` how long the look took."""

    name: str
    state: State
    detail: str
    ms: float
    hint: str


class Components(BaseModel):
    status: Literal["healthy", "degraded", "unavailable"]
    components: list[ComponentView]


NOT_NOW = {503: ResponseSpec(dict[str, Any], generate_examples=False, description="The same, while it is not.")}


class NodeController(Controller):
    path = "/"
    tags = ("Node",)

    @get("/v1", operation_id="node_facts", security=[])
    async def facts(self, node: Injected[NodeFacts]) -> dict[str, Any]:
        """Which node this is, and which languages it searches in."""
        return asdict(node) | {"version": __version__}

    @get(["/health/live", "/v1/health/live", "/v2/health/live"], operation_id="live", security=[])
    async def live(self) -> dict[str, str]:
        """The process answers. Nothing else is asked, so that a slow disk does not restart it."""
        return {"status": "alive"}

    @get(
        ["/health/ready", "/ready", "/v1/health/ready", "/health", "/v1/health"],
        operation_id="ready",
        security=[],
        responses=NOT_NOW,
    )
    async def ready(self, health: Injected[Health]) -> Response[dict[str, str]]:
        """200 while questions can be admitted, recorded and answered; `degraded` says that a part is down."""
        components = await health.glance()
        status = overall(components)
        told = {
            "status": status,
            "database": _connected(components["database"]),
            "cache": _connected(components["limits"]),
        }
        return Response(told, status_code=503 if status == "unavailable" else 200)

    @get("/health/db", operation_id="database", security=[], responses=NOT_NOW)
    async def database(self, health: Injected[Health]) -> Response[dict[str, Any]]:
        """200 while the database answers, with how long that took."""
        found = (await health.glance("database"))["database"]
        well = found.state == "ok"
        told = {"status": "healthy" if well else "unavailable", "database": _connected(found), "ms": found.ms}
        return Response(told, status_code=200 if well else 503)

    @get("/v1/health/startup", operation_id="startup", security=[], responses=NOT_NOW)
    async def startup(self, health: Injected[Health]) -> Response[dict[str, Any]]:
        """503 until every part has come up, with the state of each."""
        found = await health.glance()
        ready = has_started(found)
        states = {name: component.state for name, component in found.items()}
        status = "started" if ready else "starting"
        return Response({"status": status, "components": states}, status_code=200 if ready else 503)

    @get("/v1/health/components", operation_id="components", asks="node.health")
    async def components(
        self, principal: Injected[Principal], gate: Injected[Gate], health: Injected[Health]
    ) -> Components:
        """Every part with its state, a fact, how long the check took, and what to do where it is not well."""
        async with gate.admit(principal, "node.health", resource=Resource("node")):
            found = await health.check()
        return Components(status=overall(found), components=[ComponentView(**asdict(one)) for one in found.values()])

    @get("/v1/health/components/{name:str}", operation_id="component", asks="node.health")
    async def component(
        self,
        principal: Injected[Principal],
        gate: Injected[Gate],
        health: Injected[Health],
        name: Annotated[str, PathParameter(description="One of the names that the list shows.")],
    ) -> ComponentView:
        """One part."""
        async with gate.admit(principal, "node.health", resource=Resource("node")):
            if name not in health.names:
                raise NotFound(f"There is no component {name!r}.", components=list(health.names))
            return ComponentView(**asdict((await health.check(name))[name]))

    @get("/metrics", operation_id="metrics", media_type="text/plain", security=[], include_in_schema=False)
    async def metrics(self, gauges: Injected[Callable[[], Awaitable[None]]]) -> Response[bytes]:
        """Prometheus' text format. Gauges of stored things are read now."""
        await gauges()
        return Response(generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})


def _connected(component: Component) -> str:
    return "connected" if component.state == "ok" else component.state


ROUTES = [NodeController]
