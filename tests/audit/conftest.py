"""A recorder over the real store, and the records that the tests give it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from appliance.audit import NewRecord, Recorder
from appliance.audit.instances import Instance
from appliance.store import Store, Tenant, new_id, open_store
from appliance.store.sqlcipher import SqlcipherStore


@pytest.fixture
async def recorder(store: Store) -> AsyncIterator[Recorder]:
    recorder = Recorder(store, Instance(store.data / "run"))
    yield recorder
    await recorder.close()


@pytest.fixture
async def second_recorder(store: Store) -> AsyncIterator[Recorder]:
    """A recorder as another process has it: with connections of its own, on the same data."""
    other = await open_store(store.data) if isinstance(store, SqlcipherStore) else store
    recorder = Recorder(other, Instance(store.data / "run"))
    yield recorder
    await recorder.close()
    if other is not store:
        await other.close()


def record(tenant: Tenant | None, **members: Any) -> NewRecord:
    """A record of `tenant` (of the node for None) with what a test does not care about filled in."""
    return NewRecord(
        **{
            "tenant_id": None if tenant is None else tenant.id,
            "event_type": "test.fact",
            "phase": "single",
            "correlation_id": new_id(),
            "user_id": new_id(),
            **members,
        }
    )
