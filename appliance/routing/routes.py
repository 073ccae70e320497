"""The ways to a chat model that are open now: each with its client, its breaker and how it was when last looked at.

Breakers and health are this process's own: what it has seen fails for it. That a breaker opened or closed stands in the
history of models, whoever saw it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

import structlog

from appliance.errors import OutpostError
from appliance.metrics import BREAKER, PROVIDER_LATENCY, PROVIDER_UP
from appliance.routing.breaker import Breaker, BreakerState
from appliance.routing.errors import AddressRefused, ProviderRefused
from appliance.routing.providers import Providers
from appliance.routing.values import LOCAL, Health, Provider, Route, Speed
from appliance.shelf.force import InForce, utc_now
from models.chat_client import ChatClient
from models.errors import ModelsError

KNOWN_SECONDS: Final = 1.0
"""How long what is registered and in force is taken to be the same."""
LOOK_SECONDS, DOWN_SECONDS = 30.0, 2.0
"""Between two looks at a provider, and at one that is down."""
LATE_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Line:
    """What this process knows of one thing that fails as one."""

    name: str
    breaker: Breaker
    clients: dict[str, ChatClient] = field(default_factory=dict)
    health: Health | None = None
    looked: float = float("-inf")


class Routes:
    """Args:
    clock: seconds that only grow.
    """

    def __init__(self, in_force: InForce, providers: Providers, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._in_force, self._providers, self._clock = in_force, providers, clock
        self._lines: dict[str, _Line] = {}
        self._known: tuple[float, int, list[Route]] = (-KNOWN_SECONDS, 0, [])
        self._sockets: dict[str, str] = {}
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look at every route from time to time."""
        self._looking = asyncio.create_task(self._keep_looking())

    async def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
        for line in self._lines.values():
            await _hang_up(line)

    async def all(self) -> list[Route]:
        """Every route, open or not."""
        at, seen, routes = self._known
        changes = self._in_force.changes + self._providers.changes
        if seen == changes and self._clock() - at < KNOWN_SECONDS:
            return routes
        providers = await self._providers.known()
        routes = [*await self._local(providers[0]), *(route for one in providers[1:] for route in _remote(one))]
        await self._forget(routes)
        self._known = (self._clock(), changes, routes)
        return routes

    def is_open(self, route: Route) -> bool:
        """Whether somebody may be sent there now."""
        return self._line(route).breaker.lets_through(self._clock())

    def state(self, route: Route) -> BreakerState:
        """`closed`, `open` or `half-open`: that of the breaker."""
        return self._line(route).breaker.state(self._clock())

    def health(self, route: Route) -> Health | None:
        """How it was when it was last looked at; None before."""
        return self._line(route).health

    def sent(self, route: Route) -> None:
        """Somebody is sent there."""
        line = self._line(route)
        line.breaker = line.breaker.sent(self._clock())

    async def succeeded(self, route: Route) -> None:
        await self._settle(route, self._line(route).breaker.succeeded(), None)

    async def failed(self, route: Route, why: str) -> None:
        await self._settle(route, self._line(route).breaker.failed_at(self._clock()), why)

    def left(self, route: Route) -> None:
        """Who was sent there went away before it was known whether it works."""
        line = self._line(route)
        line.breaker = line.breaker.left()

    async def client(self, route: Route) -> ChatClient:
        """Connections that are kept. Raises AddressRefused."""
        line = self._line(route)
        if route.model not in line.clients:
            if route.provider.name == LOCAL:
                made = ChatClient(self._in_force.run / self._sockets[route.key])
            else:
                made = await self._providers.client(route.provider, route.model)
            line.clients[route.model] = made
        return line.clients[route.model]

    async def look(self, route: Route) -> Health:
        """See whether it answers, and how soon. One that is down and answers again is tried by the next who asks."""
        line = self._line(route)
        line.looked, began = self._clock(), time.perf_counter()
        try:
            await (await self.client(route)).models(seconds=LATE_SECONDS)
        except (ModelsError, AddressRefused, ProviderRefused) as problem:
            # The next one looks the name up again, and judges what it finds.
            await _hang_up(line)
            line.health = Health(utc_now(), up=False, problem=getattr(problem, "detail", None) or f"{problem}.")
        else:
            took = (time.perf_counter() - began) * 1000
            line.health = Health(utc_now(), up=True, latency_ms=round(took, 1))
            line.breaker = line.breaker.seen_up(self._clock())
            PROVIDER_LATENCY.labels(line.name).set(took / 1000)
        PROVIDER_UP.labels(line.name).set(int(line.health.up))
        return line.health

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _keep_looking(self) -> None:
        while True:
            with contextlib.suppress(OutpostError):
                now = self._clock()
                by_key = {route.key: route for route in await self.all()}
                for route in by_key.values():
                    line = self._line(route)
                    down = line.breaker.opened or (line.health is not None and not line.health.up)
                    pause = DOWN_SECONDS if down else LOOK_SECONDS
                    if now - line.looked >= pause:
                        await self.look(route)
            await asyncio.sleep(DOWN_SECONDS)

    async def _local(self, provider: Provider) -> list[Route]:
        routes = []
        for package in await self._in_force.serving() if provider.enabled else ():
            if package.held:
                continue
            measured = package.measured
            speed = None if measured is None else Speed(measured.prompt_tokens_per_s, measured.decode_tokens_per_s)
            key = f"{LOCAL}/{package.id}"
            self._sockets[key] = package.socket
            routes.append(Route(key, provider, package.name, package.serves, speed))
        return routes

    def _line(self, route: Route) -> _Line:
        if route.key not in self._lines:
            provider = route.provider
            breaker = Breaker(failures=provider.failures, pause=provider.pause_seconds)
            name = route.model if provider.name == LOCAL else provider.name
            self._lines[route.key] = _Line(name, breaker)
        return self._lines[route.key]

    async def _forget(self, routes: list[Route]) -> None:
        """Hang up where nobody is asked any more, or a provider was changed."""
        kept = {route.key for route in routes}
        for key in [key for key in self._lines if key not in kept]:
            await _hang_up(self._lines.pop(key))
        before = {route.key: route.provider for route in self._known[2]}
        for route in routes:
            if route.key in self._lines and before.get(route.key, route.provider) != route.provider:
                line = self._lines[route.key]
                await _hang_up(line)
                provider = route.provider
                line.breaker = replace(line.breaker, failures=provider.failures, pause=provider.pause_seconds)

    async def _settle(self, route: Route, after: Breaker, why: str | None) -> None:
        line = self._line(route)
        before, line.breaker = line.breaker, after
        BREAKER.labels(line.name).set(1 if after.opened else 0)
        if bool(before.opened) == bool(after.opened):
            return
        log.warning("breaker", provider=line.name, opened=bool(after.opened), why=why)
        who = route.provider.id if route.provider.name != LOCAL else _package_of(route)
        await self._in_force.note(line.name, who, "breaker-opened" if after.opened else "breaker-closed", why)


def _remote(provider: Provider) -> list[Route]:
    if not provider.enabled:
        return []
    key = f"provider/{provider.id}"
    return [Route(key, provider, one.name, one.tiers, one.speed) for one in provider.models]


def _package_of(route: Route) -> UUID:
    return UUID(route.key.removeprefix(f"{LOCAL}/"))


async def _hang_up(line: _Line) -> None:
    clients, line.clients = line.clients, {}
    for client in clients.values():
        await client.close()
