"""The plant of these tests, over both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.gate import Gate
from appliance.policy import PolicyEngine
from appliance.store import Store, Tenant
from appliance.store.admission import minter
from tests.api.plant import Plant, shared_plant
from tests.privacy.site import Site, populated

POLICY = PolicyEngine()


@pytest.fixture(scope="session")
def plant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return shared_plant(request.config, tmp_path_factory.mktemp("plant"))


@pytest.fixture
async def site(store: Store, tenant: Tenant) -> AsyncIterator[Site]:
    recorder = Recorder(store, Instance(store.data / "run"))
    gate = Gate(POLICY, recorder, minter())
    store.post_record = gate.post_record
    yield await populated(store, tenant, gate, recorder)
    await gate.close()
    await recorder.close()
