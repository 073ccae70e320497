"""Upkeep over both databases, with the gate and the record in place."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.gate import Gate
from appliance.jobs import JobId, RunningJob
from appliance.jobs.tables import JobRow
from appliance.policy import PolicyEngine
from appliance.store import Purpose, Store, Tenant, new_id
from appliance.store.admission import minter
from appliance.upkeep import Backups, Working
from appliance.upkeep.errors import CheckFailed
from appliance.upkeep.retention import Retention

POLICY = PolicyEngine()


async def well() -> str:
    return "in order"


async def ill() -> str:
    raise CheckFailed("It does not answer.")


@dataclass(frozen=True)
class House:
    """A plant to look after."""

    store: Store
    tenant: Tenant
    gate: Gate
    recorder: Recorder
    working: Working
    exports: Path
    backups: Backups

    async def do(self, kind: str, **payload: Any) -> Any:
        """Run the handler of a job as the worker would."""

        async def report(_share: float, _word: str) -> None:
            return None

        job = RunningJob(JobId(new_id()), self.tenant.id, kind, payload, 1, new_id(), report)
        return await self.working.handlers[kind](job)

    async def jobs(self) -> list[JobRow]:
        from sqlalchemy import select

        async with self.store.open_internal(Purpose.VERIFY, self.tenant.id) as session:
            return list(await session.scalars(select(JobRow).order_by(JobRow.created_at)))


@pytest.fixture
async def house(store: Store, tenant: Tenant, tmp_path: Path) -> AsyncIterator[House]:
    recorder = Recorder(store, Instance(store.data / "run"))
    gate = Gate(POLICY, recorder, minter())
    store.post_record = gate.post_record
    probes: dict[str, Callable[[], Awaitable[str]]] = {"models": well, "providers": ill}
    exports = tmp_path / "exports"
    backups = Backups(store, tmp_path / "backups", ("initialised",))
    working = Working(store, gate, probes, exports, backups, Retention(store, recorder))
    yield House(store, tenant, gate, recorder, working, exports, backups)
    await gate.close()
    await recorder.close()


class Clock:
    def __init__(self, now: dt.datetime) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now
