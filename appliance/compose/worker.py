"""The worker with the handlers of its role."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from appliance.answers import Answers
from appliance.answers.screens import Screens
from appliance.cards import Building
from appliance.cards.nights import Nights
from appliance.documents.ingest import Ingest
from appliance.documents.sandbox import Sandbox
from appliance.documents.tokens import token_counter
from appliance.guard.screening import Guard
from appliance.guard.settings import Settings as GuardSettings
from appliance.guard.violations import Violations
from appliance.jobs import Worker
from appliance.jobs.waking import Bell
from appliance.retrieval.index import PassageIndex
from appliance.retrieval.service import Search
from appliance.routing import Defaults, Providers, Router, Routes
from appliance.shelf.force import InForce
from appliance.shelf.spending import Spending

if TYPE_CHECKING:
    from appliance.settings import Settings

from appliance.compose.foundation import foundation, orders_of


@asynccontextmanager
async def worker(settings: Settings) -> AsyncIterator[Worker]:
    """The worker with the handlers of this role."""
    async with (
        foundation(settings) as base,
        Sandbox() as sandbox,
        AsyncExitStack() as stack,
    ):
        count_tokens = token_counter(settings.share / "models" / "minilm-embed" / "tokenizer.json")
        violations = Violations(base.store, days=settings.violation_days)
        guard = Guard(base.models, orders=partial(orders_of, base.policy))
        ingest = Ingest(
            base.store, base.gate, PassageIndex(base.engine), base.models, sandbox, guard, violations,
            count_tokens=count_tokens,
        )  # fmt: skip
        search = Search(base.store, base.engine, base.policy, base.models)
        in_force = InForce(base.store, folder=settings.data / "models", run=settings.run)
        routes = Routes(in_force, Providers(base.store, in_force, settings.model_hosts))
        stack.push_async_callback(routes.close)
        router = Router(routes, Defaults(base.store), base.policy)
        screens = Screens(guard, GuardSettings(base.store, base.policy), base.policy)
        building = Building(
            base.store,
            base.gate,
            search,
            Answers(search, base.models),
            router,
            Spending(base.store, lambda tenant_id: base.policy.pack_of(tenant_id).budgets),
            screens,
            violations,
        )
        nights = asyncio.create_task(Nights(base.store, base.gate, partial(_writes, routes)).run())
        stack.callback(nights.cancel)
        yield Worker(
            base.store,
            {**ingest.handlers, **building.handlers},
            watches=ingest.watches,
            name=base.instance.id,
            is_alive=base.instance.is_alive,
            bell=Bell(settings.worker_socket),
        )


async def _writes(routes: Routes) -> bool:
    return bool(await routes.all())
