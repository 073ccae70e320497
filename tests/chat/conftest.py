"""Chat over a real store, gate and record, and a running node for what needs documents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from appliance.answers import Answers
from appliance.answers.screens import Screens
from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.audit.service import AuditLog
from appliance.cards import Cards
from appliance.chat.conversations import Conversations
from appliance.chat.intents import Intents
from appliance.chat.receipts import Receipts
from appliance.chat.service import Chat
from appliance.chat.wording import Wording
from appliance.documents.described import Described
from appliance.gate import Gate
from appliance.guard.screening import Guard
from appliance.guard.settings import Settings
from appliance.guard.violations import Violations
from appliance.jobs import Waker
from appliance.policy import PolicyEngine
from appliance.retrieval.engines import SqliteEngine
from appliance.retrieval.postgres_engine import PostgresEngine
from appliance.retrieval.service import Search
from appliance.shelf.force import InForce
from appliance.shelf.packages import Packages
from appliance.shelf.searching import Searching
from appliance.shelf.spending import Spending
from appliance.store import Store, Tenant
from appliance.store.admission import minter
from appliance.store.sqlcipher import SqlcipherStore
from appliance.web import Cursors
from models.client import ModelClient
from tests.answers.writers import Only, SilentWriter
from tests.api.plant import Plant, shared_plant
from tests.chat.room import Room
from tests.teams.every import EveryTeam

POLICY = PolicyEngine()


def receipts_of(store: Store, gate: Gate, search: Search, recorder: Recorder) -> Receipts:
    """Receipts as `compose` builds them, where neither small nor chat models stand."""
    in_force = InForce(store, folder=store.data / "models", run=store.data / "run")
    return Receipts(store, gate, search, POLICY, AuditLog(store, recorder), Described(store), Packages(list, in_force))


@asynccontextmanager
async def chatting(store: Store, tenant: Tenant) -> AsyncIterator[Room]:
    """Chat as `compose` builds it, over an empty library and with no model server."""
    recorder = Recorder(store, Instance(store.data / "run"))
    gate = Gate(POLICY, recorder, minter())
    store.post_record = gate.post_record
    models = ModelClient(store.data / "run" / "models-small.sock")
    search = Search(store, SqliteEngine() if isinstance(store, SqlcipherStore) else PostgresEngine(), POLICY, models)
    answers = Answers(search, models)
    cards = Cards(store, gate, search, models, Waker(store.data / "run" / "worker.sock"))
    guarding = Settings(store)
    wording = Wording(Only(SilentWriter()), cards, Spending(store), Screens(Guard(models), guarding, POLICY), within=8)
    cursors = Cursors(store.secret("cursor"))
    receipts = receipts_of(store, gate, search, recorder)
    chat = Chat(
        store, gate, answers, wording, Intents(POLICY), guarding, POLICY, receipts, Violations(store), Searching(store)
    )
    yield Room(store, tenant, chat, Conversations(store, gate, search, POLICY, EveryTeam(), cursors), gate, receipts)
    await gate.close()
    await recorder.close()
    await models.close()


@pytest.fixture
async def room(node_store: Store, tenant: Tenant) -> AsyncIterator[Room]:
    async with chatting(node_store, tenant) as found:
        yield found


@pytest.fixture
async def any_room(store: Store, tenant: Tenant) -> AsyncIterator[Room]:
    """The same over each store."""
    async with chatting(store, tenant) as found:
        yield found


@pytest.fixture(scope="session")
def plant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return shared_plant(request.config, tmp_path_factory.mktemp("plant"))
