"""What a start owes to a crash. The crashes are real: child processes that are killed at each step."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.audit.recovery import close_dangling, recover
from appliance.audit.tables import ControlOutboxRow, LeafRow, OpenRow, TenantOutboxRow
from appliance.audit.verify import verify
from appliance.store import AUDIT, CONTROL, Admitted, Purpose, Store, Tenant, new_id
from tests.audit.conftest import record

ROOT = Path(__file__).resolve().parents[2]


async def crashed(data: Path, stage: str) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "tests" / "audit" / "child.py"),
        str(data),
        stage,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await child.communicate()
    assert child.returncode == -9, errors.decode()


async def story(store: Store, tenant: Tenant) -> list[tuple[str, str, str | None]]:
    """Phase, event and result of every record of a tenant."""
    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        query = select(LeafRow.record).where(LeafRow.log == f"{tenant.id}/1").order_by(LeafRow.seq)
        records = [json.loads(raw) for raw in await session.scalars(query)]
    return [(each["phase"], each["event_type"], each["result_status"]) for each in records]


async def nothing_is_left_over(store: Store, tenant: Tenant) -> bool:
    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        left = await session.scalar(select(func.count()).select_from(OpenRow))
    async with store.open_internal(Purpose.RELAY, tenant.id) as session:
        left = (left or 0) + (await session.scalar(select(func.count()).select_from(TenantOutboxRow)) or 0)
    return left == 0


@pytest.mark.parametrize(
    ("stage", "result"), [("pre", "aborted"), ("working", "aborted"), ("commit", "success"), ("relay", "success")]
)
async def test_a_killed_process_leaves_a_pre_record_that_is_closed_once_as_it_ended(
    node_store: Store, tenant: Tenant, stage: str, result: str
) -> None:
    await crashed(node_store.data, stage)

    for _ in range(2):  # a start that is itself interrupted may begin again
        recorder = Recorder(node_store, Instance(node_store.data / "run"))
        await recover(node_store, recorder)
        await recorder.close()

        assert await story(node_store, tenant) == [
            ("pre", "doc.upload", None),
            ("post", "doc.upload", result),
        ]
        assert await nothing_is_left_over(node_store, tenant)
    assert (await verify(node_store)).ok


async def test_work_with_outside_effects_ends_as_unknown(node_store: Store, tenant: Tenant) -> None:
    await crashed(node_store.data, "outside")
    recorder = Recorder(node_store, Instance(node_store.data / "run"))

    await recover(node_store, recorder)
    await recorder.close()

    assert await story(node_store, tenant) == [("pre", "plant.write", None), ("post", "plant.write", "unknown")]


async def test_two_starts_at_once_close_a_record_once(
    store: Store, recorder: Recorder, second_recorder: Recorder, tenant: Tenant
) -> None:
    await recorder.append(record(tenant, phase="pre", event_type="chat.request"))
    recorder.instance.close()

    closed = await asyncio.gather(close_dangling(store, second_recorder), close_dangling(store, second_recorder))

    assert sum(count for _, count in closed) >= 1
    assert [phase for phase, _, _ in await story(store, tenant)] == ["pre", "post"]


async def test_the_work_of_a_living_process_is_left_alone(
    store: Store, recorder: Recorder, second_recorder: Recorder, tenant: Tenant
) -> None:
    await recorder.append(record(tenant, phase="pre"))

    _, closed = await close_dangling(store, second_recorder)

    assert closed == 0
    assert [phase for phase, _, _ in await story(store, tenant)] == ["pre"]


async def test_rows_left_in_an_outbox_are_relayed_once(
    store: Store, recorder: Recorder, tenant: Tenant, admitted: Callable[..., Admitted]
) -> None:
    async def leave(where: Any) -> str:
        leaf = recorder.leaf(record(tenant, event_type="doc.upload", phase="post", personal={"username": "nora"}))
        async with store.open_internal(Purpose.RELAY, where, write=True) as session:
            await recorder.outbox.put(session, leaf)
        return leaf.id

    left = [await leave(tenant.id), await leave(tenant.id), await leave(CONTROL)]

    assert await recorder.relay(tenant.id) == 2
    assert await recorder.relay(None) == 1
    assert await recorder.relay(tenant.id) == 0

    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        ids = (await session.scalars(select(LeafRow.id).order_by(LeafRow.seq))).all()
    async with store.open_internal(Purpose.RELAY, CONTROL) as session:
        assert (await session.scalars(select(ControlOutboxRow.id))).all() == []
    assert sorted(ids) == sorted(left)
    assert (await verify(store)).ok


async def test_every_acknowledged_record_survives_a_kill(node_store: Store, tenant: Tenant) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "tests" / "audit" / "child.py"),
        str(node_store.data),
        "append",
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    seen = [await child.stdout.readline() for _ in range(25)]
    child.kill()
    seen += (await child.stdout.read()).splitlines()
    await child.wait()
    acknowledged = [line.decode().split() for line in seen if line.count(b" ") == 2]

    async with node_store.open_internal(Purpose.VERIFY, AUDIT) as session:
        rows = (await session.execute(select(LeafRow.seq, LeafRow.id).order_by(LeafRow.seq))).all()
    stored = {str(row.seq): row.id for row in rows}

    assert len(acknowledged) >= 25
    assert all(stored[seq] == record_id for _, seq, record_id in acknowledged)
    assert (await verify(node_store)).ok


def test_an_instance_is_alive_until_it_lets_go(tmp_path: Path) -> None:
    one, two = Instance(tmp_path), Instance(tmp_path)

    assert one.is_alive(two.id)
    assert one.is_alive(one.id)
    assert not one.is_alive(str(new_id()))

    two.close()

    assert not one.is_alive(two.id)
    one.sweep()
    assert [path.stem for path in (tmp_path / "instances").glob("*.lock")] == [one.id]
    one.close()
