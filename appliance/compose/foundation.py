"""What every process of the appliance stands on: store, record, policy, gate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.audit.recovery import recover
from appliance.gate import Gate
from appliance.idempotency import Keys
from appliance.logs import Scrubber
from appliance.packs import InForce as PoliciesInForce
from appliance.policy.phrases import PlantOrder
from appliance.retrieval.engines import Engine, SqliteEngine
from appliance.retrieval.postgres_engine import PostgresEngine
from appliance.store import Admitted, Store, TenantId, open_store
from appliance.store.admission import minter
from appliance.unlocking import unlock
from models.client import ModelClient

if TYPE_CHECKING:
    from appliance.settings import Settings


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
    engine: Engine
    models: ModelClient
    keys: Keys


@asynccontextmanager
async def foundation(settings: Settings, scrubber: Scrubber | None = None) -> AsyncIterator[Foundation]:
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
        if scrubber is not None:
            scrubber.plants = policy.patterns
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
        engine = PostgresEngine() if settings.role == "hub" else SqliteEngine()
        yield Foundation(settings, store, instance, recorder, policy, gate, engine, models, keys)


def orders_of(policy: PoliciesInForce, tenant_id: TenantId | None) -> tuple[PlantOrder, ...]:
    """A plant's own rules for orders to a model, as its pack in force has them."""
    return () if tenant_id is None else policy.pack_of(tenant_id).guard.orders
