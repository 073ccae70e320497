"""A purge that is killed has gone so far and no farther; the next one goes on."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.audit.tables import LeafRow, PersonalRow, PurgedRow
from appliance.audit.verify import verify
from appliance.store import AUDIT, Purpose, Store, Tenant
from appliance.upkeep.retention import Retention
from tests.upkeep.test_retention import grown

ROOT = Path(__file__).resolve().parents[2]


async def left(store: Store) -> tuple[int, int, int]:
    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        found = [
            await session.scalar(query) or 0
            for query in (
                select(func.min(LeafRow.seq)), select(func.max(PurgedRow.size)), select(func.count()).select_from(PersonalRow),
            )
        ]  # fmt: skip
    return found[0], found[1], found[2]


@pytest.mark.parametrize(("stage", "gone"), [("floor", 0), ("half", 0), ("leaves", 0), ("committed", 256)])
async def test_a_purge_that_is_killed_leaves_nothing_half_and_is_ended_by_the_next(
    node_store: Store, tenant: Tenant, stage: str, gone: int
) -> None:
    recorder = Recorder(node_store, Instance(node_store.data / "run"))
    await grown(recorder, tenant)
    await recorder.close()
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(ROOT / "tests" / "upkeep" / "purge_child.py"), str(node_store.data), stage,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, errors = await child.communicate()
    assert child.returncode == -9, errors.decode()

    assert await left(node_store) == (gone, gone, 3700 - gone)
    assert (await verify(node_store)).ok
    again = Recorder(node_store, Instance(node_store.data / "run"))
    await Retention(node_store, again).run(tenant.id, before=None, dry_run=False)
    await again.close()
    assert await left(node_store) == (768, 768, 3700 - 768)
    assert (await verify(node_store)).ok
