"""Webhooks over both databases, with the gate, the record and the vault in place, and a program that hears of things."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.gate import Gate
from appliance.jobs import JobId, Retry, RunningJob, Waker
from appliance.news import tell
from appliance.notices import Delivering, Passing, Reach, Webhooks
from appliance.notices.values import WEBHOOK, Delivery
from appliance.policy import PolicyEngine
from appliance.store import Principal, Purpose, Store, Tenant, new_id
from appliance.store.admission import minter
from appliance.vault.service import Vault
from appliance.vault.values import Masks
from appliance.web import Cursors
from tests.notices.receiver import Receiver, receiving

POLICY = PolicyEngine()
NOON = dt.datetime(2027, 3, 31, 12, 0, tzinfo=dt.UTC)


@dataclass
class House:
    """A plant with webhooks; its clock is moved by hand."""

    store: Store
    tenant: Tenant
    gate: Gate
    recorder: Recorder
    vault: Vault
    folder: Path
    allowed: list[str] = field(default_factory=list)
    now: dt.datetime = NOON

    def clock(self) -> dt.datetime:
        return self.now

    def admin(self, tenant: Tenant | None = None) -> Principal:
        return Principal(uuid.UUID(int=7), "person", (tenant or self.tenant).id, "Nora North", "admin", 3)

    @property
    def reach(self) -> Reach:
        return Reach(self.allowed)

    @property
    def webhooks(self) -> Webhooks:
        cursors = Cursors(self.store.secret("cursor"))
        waker = Waker(self.folder / "worker.sock")
        return Webhooks(self.store, self.gate, self.vault, self.reach, waker, cursors, clock=self.clock)

    @property
    def passing(self) -> Passing:
        return Passing(self.store, clock=self.clock)

    async def add(self, receiver: Receiver, *kinds: Any, url: str | None = None) -> tuple[UUID, str]:
        """A webhook that hears of the disk, or of these; its id and secret."""
        if receiver.host not in self.allowed:
            self.allowed.append(receiver.host)
        made, secret = await self.webhooks.create(
            self.admin(), "Shift book", url or receiver.url, kinds or ("disk.low",), request=b""
        )
        return made.id, secret

    async def happen(self, number: int = 0) -> None:
        async with self.store.open_internal(Purpose.RELAY, self.tenant.id, write=True) as session:
            await tell(session, "disk.low", at=self.now, part=f"disk{number}")
        await self.passing.once()

    async def deliver(self, webhook_id: UUID, job_id: UUID | None = None) -> Any:
        """One run of a job for this webhook; what it asks to be done later instead."""

        async def report(_share: float, _word: str) -> None:
            return None

        payload = {"webhook": str(webhook_id)}
        job = RunningJob(JobId(job_id or new_id()), self.tenant.id, WEBHOOK, payload, 1, new_id(), report)
        sending = Delivering(
            self.store, self.gate, self.vault, self.reach, clock=self.clock, chance=lambda: 0.0
        )  # fmt: skip
        try:
            return await sending(job)
        except Retry as later:
            return later

    async def deliveries(self, webhook_id: UUID, state: str | None = None) -> list[Delivery]:
        found, _ = await self.webhooks.deliveries(
            self.admin(), webhook_id, state=state, page_size=100, page_token=None
        )  # fmt: skip
        return found


@pytest.fixture
async def house(store: Store, tenant: Tenant, tmp_path: Path) -> AsyncIterator[House]:
    recorder = Recorder(store, Instance(store.data / "run"))
    gate = Gate(POLICY, recorder, minter())
    store.post_record = gate.post_record
    yield House(store, tenant, gate, recorder, Vault(store, Masks()), tmp_path)
    await gate.close()
    await recorder.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one
