"""Writing: the routes of a question one after the other, each behind its breaker and within a deadline.

    choose   permitted ─ default or asked for ─ tier by complexity ─ class, budget ─ ordered routes
    write    the first that is open; one that fails before it has said anything gives way to the next

What has been said stays said: a route that fails in the middle of its answer ends it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Final

from appliance.metrics import ESCALATED, MODEL_SECONDS, MODEL_TOKENS, ROUTED
from appliance.policy import Resource
from appliance.policy.ports import Lists
from appliance.routing import rules
from appliance.routing.defaults import Defaults
from appliance.routing.errors import AddressRefused, ModelNotPermitted, NoSuchRoute, NoWriter, ProviderRefused
from appliance.routing.routes import Routes
from appliance.routing.values import AUTO, LOCAL, Route, Wanted
from appliance.shelf.values import Tier
from appliance.tracing import Span, span
from models.chat_client import Ask, ChatDelta
from models.errors import ModelBusy, ModelRefused, ModelsError

CHARACTERS_PER_TOKEN: Final = 3.2
"""Of English in the tokens of common vocabularies: what a prompt is reckoned with before it is tokenised."""
USE: Final = "models.use"
AGAIN_SECONDS: Final = 0.5
"""After which the only route is tried once more: a server of ours that fell is started again within it."""
_MISCONFIGURED: Final = frozenset({401, 403, 404})
"""Refusals that every request would meet; the others are the request's own."""


class Router:
    """Chooses who writes."""

    def __init__(self, routes: Routes, defaults: Defaults, policy: Lists) -> None:
        self._routes, self._defaults, self._policy = routes, defaults, policy

    async def choose(self, wanted: Wanted) -> RoutedWriter:
        """Who writes this answer; nobody is asked yet.

        Raises:
            NoSuchRoute: the model that was asked for is not served here.
            ModelNotPermitted: the policy keeps it from who asks.
        """
        every = await self._routes.all()
        ask = wanted.ask
        if ask and not (ask == AUTO or rules.tier_of(ask) or rules.named(every, ask)):
            raise NoSuchRoute(f"There is no tier and no model {ask[:80]!r} here.")
        every = self._permitted(every, wanted)
        choice = ask or (await self._defaults.resolved(wanted.principal, every)).choice
        main = await self._defaults.main(wanted.principal)
        tier = rules.tier_of(choice) or rules.complexity(wanted.question, passages=wanted.passages, long=wanted.long)
        may = [
            one for one in every
            if one.provider.clearance >= wanted.classification
            and (one.provider.name == LOCAL or not wanted.here)
            and one.provider.name not in wanted.without
            and ("light" in one.tiers or not wanted.light)
            and one.name != wanted.but
        ]  # fmt: skip
        order = rules.best(may, main=main) if wanted.best else rules.ordered(may, tier, main=main)
        first = [] if wanted.best else rules.named(order, choice)
        return RoutedWriter(self._routes, [*first, *(one for one in order if one not in first)], tier)

    async def described(self) -> list[Resource]:
        """Every chat model that may write, as policies see it."""
        return [described(one) for one in await self._routes.all()]

    def _permitted(self, every: Sequence[Route], wanted: Wanted) -> list[Route]:
        """Those that the policy lets who asks be written for by. Raises ModelNotPermitted for one asked for by name."""
        answers = self._policy.permits(wanted.principal, USE, [described(one) for one in every])
        may = [route for route, permitted in zip(every, answers, strict=True) if permitted]
        if withheld := sorted({route.name for route in every} - {route.name for route in may}):
            wanted.withheld(withheld)
        if rules.named(every, wanted.ask) and not rules.named(may, wanted.ask):
            raise ModelNotPermitted(f"{wanted.ask[:80]!r} does not write for you.")
        return may


def described(route: Route) -> Resource:
    """A route as policies see it."""
    attributes = {
        "name": route.name,
        "provider": route.provider.name,
        "tiers": list(route.tiers),
        "clearance": route.provider.clearance,
    }
    return Resource("writer", route.name, attributes)


class RoutedWriter:
    """Writes one answer with the first of these routes that can."""

    def __init__(
        self, routes: Routes, order: Sequence[Route], tier: Tier, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._routes, self._order, self._tier, self._clock = routes, list(order), tier, clock
        self._served: Route | None = None

    @property
    def route(self) -> Route | None:
        """Who has begun to write, or else who would; None where nobody can now."""
        return self._served or next((one for one in self._order if self._routes.is_open(one)), None)

    async def name(self) -> str | None:
        """What the answer is served by; None where nobody can write now."""
        return None if self.route is None else self.route.name

    async def provider(self) -> str:
        """Whose budget the answer counts against; empty where nobody can write now."""
        return "" if self.route is None else self.route.provider.name

    async def seconds(self, characters: int, most_tokens: int) -> float | None:
        """How long an answer of `most_tokens` to a fresh prompt of so many characters will take; None where nobody can."""
        route = self.route
        if route is None or route.speed is None:
            return None
        return route.speed.seconds(round(characters / CHARACTERS_PER_TOKEN), most_tokens)

    async def write(
        self, messages: Sequence[Mapping[str, str]], *, most_tokens: int, key: str, seconds: float
    ) -> AsyncIterator[ChatDelta]:
        """The text as it comes. Leaving the iterator stops the model.

        Raises:
            NoWriter: nobody can write, or who wrote failed; what was yielded before is all there is.
        """
        ask = Ask(max_tokens=most_tokens, temperature=0.0, key=key)
        until = self._clock() + seconds
        problem = (
            "No chat model is in force." if not self._order else "Every chat model is down; try again in a moment."
        )
        for number, route in enumerate(self._plan()):
            if not self._routes.is_open(route):
                continue
            if number and route == self._order[0]:
                await asyncio.sleep(AGAIN_SECONDS)
            elif number:
                ESCALATED.labels("failure").inc()
            left = min(until - self._clock(), route.provider.timeout_seconds)
            if left <= 0:
                break
            try:
                async with aclosing(self._one(route, messages, ask, left)) as deltas:
                    async for delta in deltas:
                        self._served = route
                        yield delta
                return
            except _Failed as failed:
                problem = failed.told
                if self._served is not None:
                    break
        raise NoWriter(problem)

    def _plan(self) -> list[Route]:
        """The only route has a second try."""
        return [*self._order, *self._order] if len(self._order) == 1 else self._order

    async def _one(
        self, route: Route, messages: Sequence[Mapping[str, str]], ask: Ask, seconds: float
    ) -> AsyncGenerator[ChatDelta]:
        """What one route writes. Raises _Failed."""
        with span("model.write", tier=self._tier, gen_ai__request__model=route.name, messages=len(messages)) as told:
            async with aclosing(self._writing(route, messages, ask, seconds, told)) as deltas:
                async for delta in deltas:
                    yield delta

    async def _writing(
        self, route: Route, messages: Sequence[Mapping[str, str]], ask: Ask, seconds: float, told: Span
    ) -> AsyncGenerator[ChatDelta]:
        began = self._clock()
        self._routes.sent(route)
        outcome = "left"
        try:
            client = await self._routes.client(route)
            async for delta in client.stream(messages, ask, seconds=seconds):
                if delta.finish_reason:
                    MODEL_TOKENS.labels(route.name, "prompt").inc(delta.prompt_tokens)
                    MODEL_TOKENS.labels(route.name, "completion").inc(delta.completion_tokens)
                    told.says(prompt_tokens=delta.prompt_tokens, completion_tokens=delta.completion_tokens)
                yield delta
            outcome = "written"
            await self._routes.succeeded(route)
            MODEL_SECONDS.labels(route.name).observe(self._clock() - began)
        except ModelBusy as problem:
            outcome = "busy"
            raise _Failed(f"{route.name} has too much to do; try again in {problem.retry_after:.0f} s.") from None
        except ModelRefused as problem:
            outcome = "refused"
            if problem.status in _MISCONFIGURED:
                await self._routes.failed(route, f"it refuses: {problem}")
            raise _Failed(f"{route.name} refused: {problem}.") from None
        except (ModelsError, AddressRefused, ProviderRefused) as problem:
            outcome = "failed"
            why = getattr(problem, "detail", str(problem))
            await self._routes.failed(route, why)
            raise _Failed(f"{route.name} gave no answer: {why.rstrip('.')}.") from None
        finally:
            if outcome in ("left", "busy", "refused"):
                self._routes.left(route)
            told.says(outcome=outcome)
            ROUTED.labels(self._tier, route.name, outcome).inc()


class _Failed(Exception):
    """One route gave nothing, or no more; `told` says why."""

    def __init__(self, told: str) -> None:
        super().__init__(told)
        self.told = told
