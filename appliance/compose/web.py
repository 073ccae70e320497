"""The API with all its services, and the built UI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from appliance import node_api, upkeep
from appliance.answers import Answers
from appliance.answers.screens import Screens
from appliance.app import build
from appliance.audit import api as audit_api
from appliance.audit import witness_api
from appliance.audit.service import AuditLog
from appliance.audit.witness import Witness
from appliance.cards import Cards
from appliance.cards import api as cards_api
from appliance.cards.service import CARDS
from appliance.chat import api as chat_api
from appliance.chat.conversations import Conversations
from appliance.chat.intents import Intents
from appliance.chat.receipts import Receipts
from appliance.chat.service import Chat
from appliance.chat.wording import Wording
from appliance.documents import api as documents_api
from appliance.documents import approvals_api, renewing
from appliance.documents.approvals import Approvals
from appliance.documents.approving import INGEST
from appliance.documents.described import Described
from appliance.documents.ingest import ERASE, WATCHES
from appliance.documents.library import Library
from appliance.documents.moving import Moving
from appliance.documents.sandbox import Sandbox
from appliance.documents.settling import IN_FORCE
from appliance.guard import api as guard_api
from appliance.guard.screening import Guard
from appliance.guard.settings import Settings as GuardSettings
from appliance.guard.violations import Violations
from appliance.holds import Holds
from appliance.holds import api as holds_api
from appliance.identity import api as identity_api
from appliance.identity.federation import api as federation_api
from appliance.identity.federation import confirming_api
from appliance.identity.passwords import Passwords
from appliance.identity.values import utc_now
from appliance.jobs import Jobs, Submitting, Waker
from appliance.jobs import api as jobs_api
from appliance.jobs.types import TRYING, catalogue
from appliance.limits import Limiter
from appliance.limits import api as limits_api
from appliance.limits.overrides import Overrides
from appliance.logs import Scrubber
from appliance.node_api import NodeFacts
from appliance.notices import Inbox, Mailing, Reach, Webhooks, mail_api, webhooks_api
from appliance.notices import api as notices_api
from appliance.packs import Packs
from appliance.packs import api as packs_api
from appliance.policy.trial import tried
from appliance.privacy import api as privacy_api
from appliance.privacy.exporting import Exporting
from appliance.privacy.requests import ERASE as FORGETTING
from appliance.privacy.requests import Requests
from appliance.retrieval import api as search_api
from appliance.retrieval.index import PassageIndex
from appliance.retrieval.service import Search
from appliance.routing import Defaults, Providers, Router, Routes
from appliance.routing import api as routing_api
from appliance.settings import DEMO_MARK
from appliance.shelf import Shelf, operations_api, spending_api
from appliance.shelf import api as shelf_api
from appliance.shelf.builtin import BuiltIns
from appliance.shelf.packages import Packages
from appliance.shelf.probing import Probe
from appliance.shelf.searching import Searching
from appliance.shelf.spending import Spending
from appliance.static import BuiltUi
from appliance.store.reserve import Reserve
from appliance.supervisor import lifecycle, running
from appliance.teams import Teams
from appliance.teams import api as teams_api
from appliance.teams.service import Memberships
from appliance.tls import api as tls_api
from appliance.tls.place import PURPOSE as TLS_PURPOSE
from appliance.tls.place import Place
from appliance.upkeep import api as upkeep_api
from appliance.vault import api as vault_api
from appliance.vault.service import Vault
from appliance.vitals import api as vitals_api
from appliance.web import Cursors

if TYPE_CHECKING:
    from litestar import Litestar

    from appliance.settings import Settings

from appliance.compose.counting import counters_of
from appliance.compose.foundation import foundation, orders_of
from appliance.compose.gauges import gauges_of
from appliance.compose.health import health_of
from appliance.compose.mail import mailer_of
from appliance.compose.people import identity_of
from appliance.compose.privacy import PARTS
from appliance.compose.vitals import vitals_of

ROUTES = [
    *node_api.ROUTES, *identity_api.ROUTES, *documents_api.ROUTES, *approvals_api.ROUTES, *search_api.ROUTES, *chat_api.ROUTES, *cards_api.ROUTES,
    *jobs_api.ROUTES, *audit_api.ROUTES, *witness_api.ROUTES, *shelf_api.ROUTES, *operations_api.ROUTES,
    *spending_api.ROUTES, *routing_api.ROUTES, *packs_api.ROUTES, *tls_api.ROUTES, *vault_api.ROUTES, *limits_api.ROUTES, *federation_api.ROUTES, *confirming_api.ROUTES, *guard_api.ROUTES, *teams_api.ROUTES, *upkeep_api.ROUTES, *holds_api.ROUTES, *privacy_api.ROUTES,
    *notices_api.ROUTES, *webhooks_api.ROUTES, *mail_api.ROUTES, *vitals_api.ROUTES,
]  # fmt: skip


TYPES = catalogue(*TRYING, *upkeep.TYPES, *renewing.TYPES)
FOLLOWING = (INGEST, ERASE, IN_FORCE, CARDS, FORGETTING)
"""Types of job that follow from what people do, and that nobody asks for."""
SERVICES = (
    "gate", "store", "recorder", "audit_log", "policy", "sign_in", "people", "kiosks", "factors", "badges", "proofs", "step_ups", "api_keys", "tenants", "library", "moving", "jobs", "submitting", "upkeep", "search", "answers",
    "chat", "conversations", "receipts", "cards", "cursors", "health", "node", "gauges", "shelf", "built_in", "chat_probe", "processes", "lifecycle",
    "spending", "searching", "providers", "routes", "defaults", "router", "packs", "approvals", "certificates", "vault", "limiter", "federation", "guard_settings", "teams", "violations", "holds", "exporting", "requests", "inbox", "webhooks", "mailing", "vitals", "witness",
)  # fmt: skip


@asynccontextmanager
async def web(settings: Settings, scrubber: Scrubber | None = None) -> AsyncIterator[tuple[Litestar, BuiltUi, Place]]:
    """The API with all its services, the built UI, and where the certificates stand. `scrubber` is the log's."""
    ui = BuiltUi(settings.share / "webui")
    scrubber = scrubber or Scrubber()
    async with foundation(settings, scrubber) as base, AsyncExitStack() as stack:
        store, gate, recorder = base.store, base.gate, base.recorder
        keeping = asyncio.create_task(Reserve(settings.data).run())
        stack.callback(keeping.cancel)
        passwords = Passwords()
        stack.callback(passwords.close)
        sandbox = await stack.enter_async_context(Sandbox())
        cursors = Cursors(store.secret("cursor"))
        certificates = Place(settings.data, store.secret(TLS_PURPOSE))
        search = Search(store, base.engine, base.policy, base.models)
        answers = Answers(search, base.models)
        shelf = Shelf(store, folder=settings.data / "models", imports=settings.data / "import", run=settings.run)
        stack.push_async_callback(shelf.close)
        await shelf.start()
        providers = Providers(store, shelf.force, settings.model_hosts)
        routes = Routes(shelf.force, providers)
        stack.push_async_callback(routes.close)
        await routes.start()
        defaults = Defaults(store)
        router = Router(routes, defaults, base.policy)
        spending = Spending(store, lambda tenant_id: base.policy.pack_of(tenant_id).budgets)
        searching = Searching(store, lambda tenant_id: base.policy.pack_of(tenant_id).budgets)
        waker = Waker(settings.worker_socket)
        cards = Cards(store, gate, search, base.models, waker)
        identity = identity_of(base, passwords)
        people, kiosks = identity.people, identity.kiosks
        stack.push_async_callback(identity.close)
        guard_settings = GuardSettings(store, base.policy)
        violations = Violations(store, days=settings.violation_days)
        guard = Guard(base.models, orders=partial(orders_of, base.policy))
        screens = Screens(guard, guard_settings, base.policy)
        wording = Wording(router, cards, spending, screens, within=settings.word_within_seconds)
        memberships, index = Memberships(store), PassageIndex(base.engine)
        library = Library(
            store, gate, base.policy, index, waker, sandbox, cursors, people, memberships,
            limit=settings.upload_limit_mib * 2**20, country=settings.site_country,
        )  # fmt: skip
        audit_log = AuditLog(store, recorder)
        built_in = BuiltIns(settings.share / "models")
        receipts = Receipts(
            store, gate, search, base.policy, audit_log, Described(store), Packages(built_in, shelf.force)
        )
        packs = Packs(
            store,
            base.policy,
            people,
            kiosks,
            audit_log.decisions,
            Described(store),
            tried,
            clock=utc_now,
            writers=router.described,
            memberships=memberships,
        )
        jobs = Jobs(store, gate, cursors, WATCHES)
        submitting = Submitting(store, gate, waker, TYPES, people.read)
        counters, counted = await counters_of(base, stack)
        limiter = Limiter(
            counters, base.policy, ceiling=settings.rate_limit_per_minute,
            profile=settings.profile, tenants=store.tenants, overrides=Overrides(store),
        )  # fmt: skip
        conversations = Conversations(store, gate, search, base.policy, memberships, cursors)
        vault, hub = Vault(store, scrubber.secrets), settings.role == "hub"
        services: dict[str, Any] = {
            **identity.services,
            "gate": gate,
            "store": store,
            "recorder": recorder,
            "audit_log": audit_log,
            "witness": Witness(store, recorder),
            "policy": base.policy,
            "packs": packs,
            "approvals": Approvals(store, gate, base.policy, index, waker, people, cursors),
            "library": library,
            "moving": Moving(store, gate, base.policy, index, memberships),
            "jobs": jobs,
            "submitting": submitting,
            "upkeep": upkeep.Upkeep(store, gate, jobs, submitting, waker),
            "search": search,
            "answers": answers,
            "chat": Chat(
                store,
                gate,
                answers,
                wording,
                Intents(base.policy),
                guard_settings,
                base.policy,
                receipts,
                violations,
                searching,
            ),
            "conversations": conversations,
            "receipts": receipts,
            "violations": violations,
            "cards": cards,
            "spending": spending,
            "searching": searching,
            "cursors": cursors,
            "certificates": certificates,
            "holds": Holds(store, gate),
            "exporting": Exporting(store, gate, people, PARTS, epoch=recorder.epoch),
            "requests": Requests(store, gate, people, waker, epoch=recorder.epoch),
            "vault": vault,
            "health": health_of(base, routes, certificates, counted, identity.federation.keys, vault),
            "node": node_facts(settings),
            "gauges": gauges_of(store, settings.run, frozenset({*TYPES, *FOLLOWING})),
            "shelf": shelf,
            "built_in": built_in,
            "chat_probe": Probe(settings.run),
            "providers": providers,
            "routes": routes,
            "defaults": defaults,
            "router": router,
            "limiter": limiter,
            "guard_settings": guard_settings,
            "teams": Teams(store, people, base.policy, [Described(store), conversations]),
            "inbox": Inbox(store, gate, base.policy, cursors),
            "mailing": Mailing(store, gate, base.policy, people, mailer_of(settings, vault)),
            "webhooks": Webhooks(store, gate, vault, Reach(settings.webhook_hosts, beyond=hub), waker, cursors),
            "vitals": vitals_of(base, stack),
            "processes": partial(running, settings.run),
            "lifecycle": partial(lifecycle, settings.run),
        }
        yield build(ROUTES, services, identity.identities, limiter, base.keys), ui, certificates


def node_facts(settings: Settings) -> NodeFacts:
    return NodeFacts(
        name=settings.data.name,
        role=settings.role,
        authority="local",
        demo=(settings.data / DEMO_MARK).exists(),
        languages=("en",),
        kiosk_idle_seconds=settings.kiosk_idle_seconds,
    )


def described_application() -> Litestar:
    """The application without anything behind it: enough to describe its routes."""
    return build(ROUTES, dict.fromkeys(SERVICES), None)  # type: ignore[arg-type]
