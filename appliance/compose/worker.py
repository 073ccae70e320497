"""The worker with the handlers of its role."""

from __future__ import annotations

import asyncio
import hashlib
import socket
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
from appliance.jobs import Worker, trying
from appliance.jobs.waking import Bell
from appliance.retrieval.index import PassageIndex
from appliance.retrieval.service import Search
from appliance.routing import Defaults, Providers, Router, Routes
from appliance.shelf.force import InForce
from appliance.shelf.spending import Spending

if TYPE_CHECKING:
    from appliance.settings import Settings

from appliance.compose.foundation import foundation


@asynccontextmanager
async def worker(settings: Settings) -> AsyncIterator[Worker]:
    """The worker with the handlers of this role."""
    async with (
        foundation(settings) as base,
        Sandbox() as sandbox,
        AsyncExitStack() as stack,
    ):
        count_tokens = token_counter(settings.share / "models" / "minilm-embed" / "tokenizer.json")
        ingest = Ingest(
            base.store, base.gate, PassageIndex(base.engine), base.models, sandbox, Guard(base.models),
            count_tokens=count_tokens,
        )  # fmt: skip
        search = Search(base.store, base.engine, base.policy, base.models)
        in_force = InForce(base.store, folder=settings.data / "models", run=settings.run)
        routes = Routes(in_force, Providers(base.store, in_force, settings.model_hosts))
        stack.push_async_callback(routes.close)
        router = Router(routes, Defaults(base.store), base.policy)
        screens = Screens(Guard(base.models), GuardSettings(base.store, base.policy), base.policy)
        building = Building(
            base.store,
            base.gate,
            search,
            Answers(search, base.models),
            router,
            Spending(base.store, lambda tenant_id: base.policy.pack_of(tenant_id).budgets),
            screens,
        )
        nights = asyncio.create_task(Nights(base.store, base.gate, partial(_writes, routes)).run())
        stack.callback(nights.cancel)
        # Of the workers of another machine of a hub only their leases tell.
        home = hashlib.sha256(f"{socket.gethostname()} {settings.run.resolve()}".encode()).hexdigest()[:16] + "/"
        yield Worker(
            base.store,
            {**ingest.handlers, **building.handlers, **trying.HANDLERS},
            watches=ingest.watches,
            name=home + base.instance.id,
            is_alive=lambda name: not name.startswith(home) or base.instance.is_alive(name.removeprefix(home)),
            bell=Bell(settings.worker_socket),
        )


async def _writes(routes: Routes) -> bool:
    return bool(await routes.all())
