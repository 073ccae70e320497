"""The composition root: the only place that knows the role, picks adapters and builds services.

    Foundation   store, record, policy, gate: what every process of the appliance stands on
    web()        + identity, documents, search, answers, chat  ->  the ASGI application and its two doors
    worker()     + the handlers of jobs

Everything is opened in order and closed in the opposite one, also when opening fails half way.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from appliance import node_api
from appliance.answers import Answers
from appliance.answers.screens import Screens
from appliance.app import build
from appliance.audit import Recorder
from appliance.audit import api as audit_api
from appliance.audit.instances import Instance
from appliance.audit.recovery import recover
from appliance.audit.service import AuditLog
from appliance.cards import Building, Cards
from appliance.cards import api as cards_api
from appliance.cards.nights import Nights
from appliance.chat import api as chat_api
from appliance.chat.intents import Intents
from appliance.chat.service import Chat
from appliance.chat.wording import Wording
from appliance.documents import api as documents_api
from appliance.documents import approvals_api
from appliance.documents.approvals import Approvals
from appliance.documents.described import Described
from appliance.documents.ingest import WATCHES, Ingest
from appliance.documents.library import Library
from appliance.documents.sandbox import Sandbox
from appliance.documents.tokens import token_counter
from appliance.gate import Gate
from appliance.guard import api as guard_api
from appliance.guard.screening import Guard
from appliance.guard.settings import Settings as GuardSettings
from appliance.health import Health, NotWell
from appliance.idempotency import Keys
from appliance.identity import api as identity_api
from appliance.identity.api_keys import ApiKeys
from appliance.identity.badges import Badges
from appliance.identity.factors import Factors
from appliance.identity.federation import api as federation_api
from appliance.identity.federation.assembly import Outside, assembled
from appliance.identity.federation.keys import Keys as IdentityKeys
from appliance.identity.kiosks import Kiosks
from appliance.identity.limits import Attempts
from appliance.identity.passwords import Passwords
from appliance.identity.people import People
from appliance.identity.proofs import Proofs
from appliance.identity.sign_in import SignIn
from appliance.identity.step_ups import StepUps
from appliance.identity.values import utc_now
from appliance.jobs import Jobs, Waker, Worker
from appliance.jobs import api as jobs_api
from appliance.jobs.waking import Bell
from appliance.limits import Limiter
from appliance.limits import api as limits_api
from appliance.limits.degrading import Degrading
from appliance.limits.in_database import InDatabase
from appliance.limits.in_process import InProcess
from appliance.limits.keeping import Keeping
from appliance.limits.ports import Counters
from appliance.metrics import JOBS
from appliance.node_api import NodeFacts
from appliance.packs import InForce as PoliciesInForce
from appliance.packs import Packs
from appliance.packs import api as packs_api
from appliance.policy.trial import tried
from appliance.retrieval import api as search_api
from appliance.retrieval.engines import SqliteEngine
from appliance.retrieval.index import PassageIndex
from appliance.retrieval.service import Search
from appliance.routing import Defaults, Providers, Router, Routes
from appliance.routing import api as routing_api
from appliance.settings import DEMO_MARK
from appliance.shelf import Shelf, operations_api, spending_api
from appliance.shelf import api as shelf_api
from appliance.shelf.builtin import BuiltIns
from appliance.shelf.force import InForce
from appliance.shelf.probing import Probe
from appliance.shelf.spending import Spending
from appliance.static import BuiltUi
from appliance.store import CONTROL, Admitted, Purpose, Store, open_store
from appliance.store.admission import minter
from appliance.supervisor import lifecycle, running
from appliance.tls import api as tls_api
from appliance.tls.place import PURPOSE as TLS_PURPOSE
from appliance.tls.place import Place
from appliance.tls.required import require
from appliance.tls.standing import standing
from appliance.unlocking import unlock
from appliance.vault import api as vault_api
from appliance.vault.service import Vault
from appliance.vault.values import Masks
from appliance.web import Cursors
from models.client import ModelClient

if TYPE_CHECKING:
    from litestar import Litestar

    from appliance.settings import Settings

LEAST_FREE = 0.10
ROUTES = [
    *node_api.ROUTES, *identity_api.ROUTES, *documents_api.ROUTES, *approvals_api.ROUTES, *search_api.ROUTES, *chat_api.ROUTES, *cards_api.ROUTES,
    *jobs_api.ROUTES, *audit_api.ROUTES, *shelf_api.ROUTES, *operations_api.ROUTES,
    *spending_api.ROUTES, *routing_api.ROUTES, *packs_api.ROUTES, *tls_api.ROUTES, *vault_api.ROUTES, *limits_api.ROUTES, *federation_api.ROUTES, *guard_api.ROUTES,
]  # fmt: skip
SERVICES = (
    "gate", "store", "recorder", "policy", "sign_in", "people", "kiosks", "factors", "badges", "proofs", "step_ups", "api_keys", "library", "jobs", "search", "answers",
    "chat", "cards", "cursors", "health", "node", "gauges", "shelf", "built_in", "chat_probe", "processes", "lifecycle",
    "spending", "providers", "routes", "defaults", "router", "packs", "approvals", "certificates", "vault", "limiter", "federation", "guard_settings",
)  # fmt: skip

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Foundation:
    """What every process stands on."""

    settings: Settings
    store: Store
    instance: Instance
    recorder: Recorder
    policy: PoliciesInForce
    gate: Gate
    models: ModelClient
    keys: Keys


@asynccontextmanager
async def foundation(settings: Settings) -> AsyncIterator[Foundation]:
    """Open the data directory, bring tables and record in order, and stand up the gate."""
    async with AsyncExitStack() as stack:
        store = await open_store(
            settings.data, settings.database_url if settings.role == "hub" else None, unlock=unlock
        )
        stack.push_async_callback(store.close)
        await store.migrate()
        settings.run.mkdir(mode=0o700, exist_ok=True)
        instance = Instance(settings.run)
        stack.callback(instance.close)
        recorder = Recorder(store, instance)
        stack.push_async_callback(recorder.close)
        policy = PoliciesInForce(store)
        gate = Gate(policy, recorder, minter())
        stack.push_async_callback(gate.close)
        keys = Keys(store, instance=instance.id, is_alive=instance.is_alive)

        async def post_record(session: AsyncSession, admitted: Admitted) -> None:
            await gate.post_record(session, admitted)
            await keys.mark(session, admitted)

        store.post_record = post_record
        models = ModelClient(settings.models_socket)
        stack.push_async_callback(models.close)
        found = await recover(store, recorder)
        if found.relayed or found.closed or found.disputed:
            log.warning("record recovered", relayed=found.relayed, closed=found.closed, disputed=len(found.disputed))
        instance.sweep()
        yield Foundation(settings, store, instance, recorder, policy, gate, models, keys)


@asynccontextmanager
async def web(settings: Settings, masks: Masks | None = None) -> AsyncIterator[tuple[Litestar, BuiltUi, Place]]:
    """The API with all its services, the built UI, and where the certificates stand. `masks` are those of the log."""
    ui = BuiltUi(settings.share / "webui")
    async with foundation(settings) as base, AsyncExitStack() as stack:
        store, gate, recorder = base.store, base.gate, base.recorder
        passwords = Passwords()
        stack.callback(passwords.close)
        sandbox = await stack.enter_async_context(Sandbox())
        cursors = Cursors(store.secret("cursor"))
        certificates = Place(settings.data, store.secret(TLS_PURPOSE))
        engine = SqliteEngine()
        search = Search(store, engine, base.policy, base.models)
        answers = Answers(search, base.models)
        shelf = Shelf(store, folder=settings.data / "models", imports=settings.data / "import", run=settings.run)
        stack.push_async_callback(shelf.close)
        await shelf.start()
        providers = Providers(store, shelf.force, settings.model_hosts)
        routes = Routes(shelf.force, providers)
        stack.push_async_callback(routes.close)
        await routes.start()
        defaults = Defaults(store)
        router = Router(routes, defaults)
        spending = Spending(store)
        waker = Waker(settings.worker_socket)
        cards = Cards(store, gate, search, base.models, waker)
        people, kiosks = People(store, passwords=passwords), Kiosks(store, recorder, attempts=Attempts())
        attempts, factors = Attempts(), Factors(store)
        proofs = Proofs(store, recorder, passwords=passwords, factors=factors, attempts=attempts)
        sign_in = SignIn(
            store, recorder, passwords=passwords, factors=factors, attempts=attempts,
            admins_need_factor=settings.admins_need_factor(demo=(settings.data / DEMO_MARK).exists()),
        )  # fmt: skip
        outside = Outside(
            settings.identity_hosts, settings.role == "hub", settings.jwks_local_path, settings.public_url
        )
        federation, identities = assembled(store, recorder, sign_in, outside, attempts=Attempts())
        stack.push_async_callback(federation.keys.issuers.close)
        guard_settings = GuardSettings(store)
        screens = Screens(Guard(base.models), guard_settings, base.policy)
        wording = Wording(router, cards, spending, screens, within=settings.word_within_seconds)
        library = Library(
            store, gate, base.policy, PassageIndex(engine), waker, sandbox, cursors, people,
            limit=settings.upload_limit_mib * 2**20,
        )  # fmt: skip
        decisions = AuditLog(store, recorder).decisions
        packs = Packs(store, base.policy, people, kiosks, decisions, Described(store), tried, clock=utc_now)
        counters, counted = await _counters(base, stack)
        limiter = Limiter(
            counters, base.policy, ceiling=settings.rate_limit_per_minute,
            profile=settings.profile, tenants=store.tenants,
        )  # fmt: skip
        services: dict[str, Any] = {
            "gate": gate,
            "store": store,
            "recorder": recorder,
            "policy": base.policy,
            "sign_in": sign_in,
            "people": people,
            "kiosks": kiosks,
            "packs": packs,
            "approvals": Approvals(store, gate, base.policy, PassageIndex(engine), waker, people, cursors),
            "factors": factors,
            "api_keys": ApiKeys(store, base.policy),
            "badges": Badges(store, recorder, passwords=passwords, attempts=Attempts()),
            "proofs": proofs,
            "step_ups": StepUps(store, recorder, proofs=proofs),
            "library": library,
            "jobs": Jobs(store, gate, cursors, WATCHES),
            "search": search,
            "answers": answers,
            "chat": Chat(store, gate, answers, wording, Intents(base.policy), guard_settings, cursors),
            "cards": cards,
            "spending": spending,
            "cursors": cursors,
            "certificates": certificates,
            "vault": Vault(store, masks or Masks()),
            "health": _health(base, routes, certificates, counted, federation.keys),
            "node": node_facts(settings),
            "gauges": _gauges(store),
            "shelf": shelf,
            "built_in": BuiltIns(settings.share / "models"),
            "chat_probe": Probe(settings.run),
            "providers": providers,
            "routes": routes,
            "defaults": defaults,
            "router": router,
            "limiter": limiter,
            "federation": federation,
            "guard_settings": guard_settings,
            "processes": partial(running, settings.run),
            "lifecycle": partial(lifecycle, settings.run),
        }
        yield build(ROUTES, services, identities, limiter, base.keys), ui, certificates


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
            base.store, base.gate, PassageIndex(SqliteEngine()), base.models, sandbox, Guard(base.models),
            count_tokens=count_tokens,
        )  # fmt: skip
        search = Search(base.store, SqliteEngine(), base.policy, base.models)
        in_force = InForce(base.store, folder=settings.data / "models", run=settings.run)
        routes = Routes(in_force, Providers(base.store, in_force, settings.model_hosts))
        stack.push_async_callback(routes.close)
        router = Router(routes, Defaults(base.store))
        screens = Screens(Guard(base.models), GuardSettings(base.store), base.policy)
        building = Building(
            base.store, base.gate, search, Answers(search, base.models), router, Spending(base.store), screens
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


async def _counters(base: Foundation, stack: AsyncExitStack) -> tuple[Counters, Callable[[], Awaitable[str]]]:
    """Where requests are counted, and the probe that says how well: a node counts in memory, a hub in its database."""
    own = InProcess()
    if base.settings.role == "hub":
        shared = Degrading(InDatabase(base.store), own)

        async def together() -> str:
            if shared.degraded:
                raise NotWell("the shared counters do not answer; each process counts requests for itself")
            return "counted in the database"

        return shared, together
    keeping = Keeping(base.store, own)
    await keeping.start()
    stack.push_async_callback(keeping.close)

    async def kept() -> str:
        if keeping.failed:
            raise NotWell("what was counted cannot be kept; a restart would begin afresh")
        return "counted in memory, kept for a restart"

    return own, kept


async def _writes(routes: Routes) -> bool:
    return bool(await routes.all())


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


def _health(
    base: Foundation,
    routes: Routes,
    certificates: Place,
    counted: Callable[[], Awaitable[str]],
    identity_keys: IdentityKeys,
) -> Health:
    async def database() -> str:
        async with base.store.open_internal(Purpose.HEALTH, CONTROL) as session:
            await session.connection()
        return f"{len(await base.store.tenants())} tenants"

    async def record() -> str:
        sizes = await base.recorder.sizes()
        return f"{len(sizes)} logs, {sum(sizes.values())} records"

    async def policy() -> str:
        await base.policy.follow()
        if unusable := base.policy.all_unusable():
            raise NotWell(f"nothing is allowed in {len(unusable)} plants: {next(iter(unusable.values()))}")
        return f"pack {base.policy.pack_version} of this release, {base.policy.chosen} chosen here"

    async def models() -> str:
        found = await base.models.health()
        return ", ".join(found["kinds"])

    async def chat() -> str:
        every = await routes.all()
        if not every:
            return "no chat model is in force; quotes need none"
        by_key = {route.key: route for route in every}
        down = [route.name for route in by_key.values() if not (await routes.look(route)).up]
        if down:
            raise NotWell(f"{', '.join(down)} does not answer; quotes need none")
        return ", ".join(route.name for route in every)

    async def identity() -> str:
        keys = identity_keys.file.keys()
        if identity_keys.file.problem is not None:
            raise NotWell(f"{identity_keys.file.problem} The last good keys are used: {len(keys)}.")
        return f"{len(keys)} keys from the file"

    async def at_work() -> str:
        if not base.settings.worker_socket.exists():
            raise NotWell("no worker is running; documents wait")
        return "running"

    async def disk() -> str:
        usage = shutil.disk_usage(base.settings.data)
        free = f"{usage.free / 2**30:.1f} GiB free"
        if usage.free < usage.total * LEAST_FREE:
            raise NotWell(f"{free}; documents are no longer taken in below 10 %")
        return free

    async def tls() -> str:
        if not require(base.settings):
            return "not spoken; only this machine reaches the address"
        found = standing(certificates.served(), dt.datetime.now(dt.UTC))
        if found.state != "ok":
            raise NotWell(found.fact)
        return found.fact

    return Health(
        {
            "database": database,
            "record": record,
            "policy": policy,
            "models": models,
            "chat": chat,
            "worker": at_work,
            "disk": disk,
            "tls": tls,
            "limits": counted,
            **({"identity": identity} if identity_keys.file.configured else {}),
        }
    )


def _gauges(store: Store) -> Callable[[], Awaitable[None]]:
    """Counts of stored things, read when `/metrics` is scraped."""
    from appliance.jobs.service import job_counts

    async def read() -> None:
        totals = dict.fromkeys(("queued", "running", "finished", "failed", "cancelled"), 0)
        for tenant in await store.tenants():
            for state, count in (await job_counts(store, tenant.id)).items():
                totals[state] += count
        for state, count in totals.items():
            JOBS.labels(state).set(count)

    return read
