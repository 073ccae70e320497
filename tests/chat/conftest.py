"""Chat over a real store, gate and record, and a running node for what needs documents."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from appliance.answers import Answers
from appliance.answers.screens import Screens
from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.cards import Cards
from appliance.chat.conversations import Conversations
from appliance.chat.intents import Intents
from appliance.chat.service import Chat
from appliance.chat.wording import Wording
from appliance.gate import Gate
from appliance.guard.screening import Guard
from appliance.guard.settings import Settings
from appliance.jobs import Waker
from appliance.policy import PolicyEngine
from appliance.retrieval.engines import SqliteEngine
from appliance.retrieval.service import Search
from appliance.shelf.spending import Spending
from appliance.store import Store, Tenant
from appliance.store.admission import minter
from appliance.web import Cursors
from models.client import ModelClient
from tests.answers.writers import Only, SilentWriter
from tests.api.plant import Plant, shared_plant
from tests.chat.room import Room
from tests.teams.every import EveryTeam

POLICY = PolicyEngine()


@pytest.fixture
async def room(node_store: Store, tenant: Tenant) -> AsyncIterator[Room]:
    """Chat as `compose` builds it, over an empty library and with no model server."""
    recorder = Recorder(node_store, Instance(node_store.data / "run"))
    gate = Gate(POLICY, recorder, minter())
    node_store.post_record = gate.post_record
    models = ModelClient(node_store.data / "run" / "models-small.sock")
    search = Search(node_store, SqliteEngine(), POLICY, models)
    answers = Answers(search, models)
    cards = Cards(node_store, gate, search, models, Waker(node_store.data / "run" / "worker.sock"))
    guarding = Settings(node_store)
    wording = Wording(
        Only(SilentWriter()), cards, Spending(node_store), Screens(Guard(models), guarding, POLICY), within=8
    )
    cursors = Cursors(node_store.secret("cursor"))
    chat = Chat(node_store, gate, answers, wording, Intents(POLICY), guarding, POLICY)
    yield Room(node_store, tenant, chat, Conversations(node_store, gate, search, POLICY, EveryTeam(), cursors), gate)
    await gate.close()
    await recorder.close()
    await models.close()


@pytest.fixture(scope="session")
def plant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return shared_plant(request.config, tmp_path_factory.mktemp("plant"))
