"""Cards over a small library on the encrypted store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from appliance.answers import Answers
from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.cards import Cards
from appliance.gate import Gate
from appliance.jobs import Waker
from appliance.policy import PolicyEngine
from appliance.retrieval.engines import SqliteEngine
from appliance.retrieval.service import Search
from appliance.store import Admitted, Store, Tenant
from appliance.store.admission import minter
from models.client import ModelClient
from tests.cards.plant import Plant
from tests.retrieval.library import Library

POLICY = PolicyEngine()


@pytest.fixture
async def plant(
    node_store: Store, tenant: Tenant, admitted: Callable[..., Admitted], tmp_path: Path
) -> AsyncIterator[Plant]:
    recorder = Recorder(node_store, Instance(node_store.data / "run"))
    gate = Gate(POLICY, recorder, minter())

    async def post_record(session: object, of: Admitted) -> None:
        # The library of the tests writes under admissions that no gate has made.
        if of.action != "documents.ingest":
            await gate.post_record(session, of)  # type: ignore[arg-type]

    node_store.post_record = post_record
    models = ModelClient(tmp_path / "nobody.sock")
    search = Search(node_store, SqliteEngine(), POLICY, models)
    library = Library(node_store, lambda: admitted(action="documents.ingest"))
    cards = Cards(node_store, gate, search, models, Waker(tmp_path / "worker.sock"))
    yield Plant(node_store, tenant, gate, library, Answers(search, models), cards, search, recorder)
    await gate.close()
    await recorder.close()
    await models.close()
