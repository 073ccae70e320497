"""The worker with the handlers of its role."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import structlog

from appliance.answers import Answers
from appliance.answers.screens import Screens
from appliance.cards import Building
from appliance.cards.nights import Nights
from appliance.documents.ingest import Ingest
from appliance.documents.overdue import Overdue
from appliance.documents.renewing import Renewing
from appliance.documents.sandbox import Sandbox
from appliance.documents.tokens import token_counter
from appliance.errors import OutpostError
from appliance.guard.screening import Guard
from appliance.guard.settings import Settings as GuardSettings
from appliance.guard.violations import Violations
from appliance.health import NotWell
from appliance.identity.passwords import Passwords
from appliance.identity.people import People
from appliance.jobs import Waker, Worker, trying
from appliance.jobs.errors import UnknownJobType
from appliance.jobs.waking import Bell
from appliance.logs import Scrubber
from appliance.notices import Delivering, Mailing, Passing, Reach
from appliance.privacy.erasing import Erasing
from appliance.processes import INITIALISED
from appliance.retrieval.index import PassageIndex
from appliance.retrieval.service import Search
from appliance.routing import Defaults, Providers, Router, Routes
from appliance.settings import DEMO_MARK
from appliance.shelf.force import InForce
from appliance.shelf.spending import Spending
from appliance.store import Store
from appliance.tls.place import PURPOSE as TLS_PURPOSE
from appliance.tls.place import Place
from appliance.tls.required import FOLDER
from appliance.upkeep import Backups, Planner, Purging, Working
from appliance.upkeep.retention import Retention
from appliance.vault.service import Vault
from models.errors import ModelsError

if TYPE_CHECKING:
    from appliance.settings import Settings

from appliance.compose import probes
from appliance.compose.foundation import Foundation, foundation, orders_of
from appliance.compose.gauges import beat
from appliance.compose.health import certificate
from appliance.compose.mail import mailer_of
from appliance.compose.privacy import PARTS

log = structlog.get_logger(__name__)

SENDERS = 3
"""How many webhooks are sent to at the same time."""


@asynccontextmanager
async def worker(
    settings: Settings, only: Sequence[str] | None = None, scrubber: Scrubber | None = None
) -> AsyncIterator[Worker]:
    """The worker with the handlers of this role, or with those of `only`: then it works beside another one, and the nights
    and the schedules are that one's.

    Raises:
        UnknownJobType: `only` names a type that no handler does.
    """
    scrubber = scrubber or Scrubber()
    async with (
        foundation(settings, scrubber) as base,
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
        looked_at = {
            "models": partial(_models, base),
            "providers": partial(_providers, routes),
            "disk": partial(probes.disk, settings.data),
            "tls": partial(certificate, base, Place(settings.data, base.store.secret(TLS_PURPOSE))),
        }
        working = Working(
            base.store,
            base.gate,
            looked_at,
            settings.data / "exports",
            backups_of(settings, base.store),
            Retention(base.store, base.recorder, days=settings.record_retention_days),
        )
        erasing = Erasing(base.store, base.gate, base.recorder, PARTS, settings.backups)
        overdue = Overdue(base.store, base.gate, base.policy)
        reach = Reach(settings.webhook_hosts, beyond=settings.role == "hub")
        vault, passwords = Vault(base.store, scrubber.secrets), Passwords()
        stack.callback(passwords.close)
        mailer = mailer_of(settings, vault)
        mailing = Mailing(base.store, base.gate, base.policy, People(base.store, passwords=passwords), mailer)
        sending = {**Delivering(base.store, base.gate, vault, reach).handlers, **mailing.handlers}
        handlers = {
            **ingest.handlers,
            **Renewing(base.store, base.gate, PassageIndex(base.engine), ingest).handlers,
            **building.handlers,
            **trying.HANDLERS,
            **working.handlers,
            **overdue.handlers,
            **erasing.handlers,
            **sending,
        }
        # Of the workers of another machine of a hub only their leases tell.
        home = hashlib.sha256(f"{socket.gethostname()} {settings.run.resolve()}".encode()).hexdigest()[:16] + "/"
        name, is_alive = home + base.instance.id, partial(_is_alive, base, home)
        if only is None:
            try:
                await erasing.replay()
            except OutpostError as error:
                log.error("who was erased before the restore is still to be erased again", code=error.code)
            beats = asyncio.create_task(beat(settings.run))
            stack.callback(beats.cancel)
            nights = asyncio.create_task(Nights(base.store, base.gate, partial(_writes, routes)).run())
            stack.callback(nights.cancel)
            passing = asyncio.create_task(Passing(base.store, mail=mailer.available).run())
            stack.callback(passing.cancel)
            # Beside the rest, so that no document waits for a program that is slow to answer.
            senders = [
                Worker(
                    base.store, sending, name=name, is_alive=is_alive, bell=Bell(settings.run / f"sender-{one}.sock")
                )
                for one in range(SENDERS)
            ]
            running = [asyncio.create_task(one.run()) for one in senders]
            stack.push_async_callback(_stopped, senders, running)
            planner = Planner(base.store, base.gate, Waker(settings.worker_socket))
            await planner.start()
            stack.callback(planner.close)
            purging = asyncio.create_task(
                Purging(base.store, base.gate, base.recorder, settings.data / "exports").run()
            )
            stack.callback(purging.cancel)
            handlers = {kind: one for kind, one in handlers.items() if kind not in sending}
        elif strange := sorted(set(only) - set(handlers)):
            raise UnknownJobType(f"Nothing here does {', '.join(strange)}; there are {', '.join(sorted(handlers))}.")
        else:
            handlers = {name: handlers[name] for name in only}
        yield Worker(
            base.store,
            handlers,
            watches={**ingest.watches, **working.watches},
            name=name,
            is_alive=is_alive,
            bell=Bell(settings.worker_socket if only is None else settings.run / f"worker-{os.getpid()}.sock"),
        )


def backups_of(settings: Settings, store: Store) -> Backups:
    """Backups of all that a node or hub cannot get again from a stick of packages."""
    return Backups(store, settings.backups, (INITIALISED, DEMO_MARK, FOLDER))


def _is_alive(base: Foundation, home: str, name: str) -> bool:
    return not name.startswith(home) or base.instance.is_alive(name.removeprefix(home))


async def _stopped(workers: Sequence[Worker], running: Sequence[asyncio.Task[None]]) -> None:
    """What is being sent goes back to the queue."""
    for one in workers:
        one.stop()
    await asyncio.gather(*running, return_exceptions=True)


async def _writes(routes: Routes) -> bool:
    return bool(await routes.all())


async def _models(base: Foundation) -> str:
    """Raises NotWell: the model server does not answer."""
    try:
        return ", ".join((await base.models.health())["kinds"])
    except ModelsError as error:
        raise NotWell(f"{error}.") from None


async def _providers(routes: Routes) -> str:
    """Raises NotWell: one does not answer."""
    looked = {route.name: (await routes.look(route)).up for route in await routes.all()}
    if down := sorted(name for name, up in looked.items() if not up):
        raise NotWell(f"{', '.join(down)} does not answer; quotes need none")
    return ", ".join(sorted(looked)) or "no chat model is in force; quotes need none"
