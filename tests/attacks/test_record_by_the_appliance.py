"""The appliance itself, taken over, cannot change what it has recorded: by trigger on a node, by grant on a hub."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.audit.verify import verify
from appliance.store import AUDIT, Purpose, Store, Tenant
from tests.attacks.tally import refusal
from tests.audit.conftest import record


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE leaves SET event_type = 'x'",
        "DELETE FROM leaves",
        "UPDATE checkpoints SET note = 'x'",
        "DELETE FROM checkpoints",
    ],
)
async def test_the_appliance_cannot_change_or_remove_a_record(store: Store, tenant: Tenant, statement: str) -> None:
    recorder = Recorder(store, Instance(store.data / "run"))
    await recorder.append(record(tenant))
    await recorder.close()

    with refusal(DBAPIError, match=r"append-only|permission denied"):
        async with store.open_internal(Purpose.RECORD, AUDIT, write=True) as session:
            await session.execute(text(statement))

    assert (await verify(store)).ok
