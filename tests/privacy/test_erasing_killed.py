"""An erasure that is killed between two steps is ended by the next try, and nothing of the person is left."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.audit.verify import verify
from appliance.compose.privacy import PARTS
from appliance.gate import Gate
from appliance.policy import PolicyEngine
from appliance.privacy.erasing import Erasing
from appliance.store import Store, Tenant
from appliance.store.admission import minter
from tests.node import ROOT
from tests.privacy.site import NEEDLES, Site, populated

STEPS = [
    "closing the account",
    "names beside the record",
    *(part.name for part in PARTS),
    "names that were on their way",
]


def opened(store: Store) -> tuple[Recorder, Gate]:
    recorder = Recorder(store, Instance(store.data / "run"))
    gate = Gate(PolicyEngine(), recorder, minter())
    store.post_record = gate.post_record
    return recorder, gate


@pytest.mark.parametrize("word", STEPS)
async def test_an_erasure_killed_before_a_step_is_ended_by_the_next_try(
    node_store: Store, tenant: Tenant, word: str
) -> None:
    recorder, gate = opened(node_store)
    site: Site = await populated(node_store, tenant, gate, recorder)
    row = await site.approved()
    await gate.close()
    await recorder.close()
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "tests" / "privacy" / "erase_child.py"), str(node_store.data), str(row.id), word,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, errors = await child.communicate()
    assert child.returncode == -9, errors.decode()
    assert await site.state(row) == "running"

    recorder, gate = opened(node_store)
    site.recorder, site.erasing = recorder, Erasing(node_store, gate, recorder, PARTS, node_store.data / "backups")
    await site.erase(row)
    assert await site.state(row) == "done"
    left = await site.everything()
    assert [needle for needle in NEEDLES if needle in left] == []
    await gate.close()
    await recorder.close()
    assert (await verify(node_store)).ok
