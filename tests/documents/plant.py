"""A small plant for tests of the library: the real store, gate, record, policy, jobs and sandbox around simulated models."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.documents import store as queries
from appliance.documents.approvals import Approvals
from appliance.documents.ingest import WATCHES, Ingest
from appliance.documents.library import Library
from appliance.documents.moving import Moving
from appliance.documents.receiving import Received
from appliance.documents.sandbox import Limits, Sandbox
from appliance.documents.schemas import Uploaded
from appliance.documents.tables import DocumentRow
from appliance.documents.uploads import describe
from appliance.documents.values import DocumentFacts, Passage
from appliance.gate import Gate
from appliance.guard.screening import Guard
from appliance.guard.violations import Violations
from appliance.jobs import Jobs, Waker, Worker
from appliance.jobs.waking import Bell
from appliance.policy import PolicyEngine
from appliance.store import Admitted, Principal, Purpose, Store, Tenant, new_id
from appliance.store.admission import Role, TeamRole, minter
from appliance.web import Cursors
from models.client import ModelUnavailable
from tests.answers.writers import NoClassifier
from tests.teams.every import EveryTeam

if TYPE_CHECKING:
    from appliance.documents.ports import Embedder, Index
    from appliance.teams.values import Standing

POLICY = PolicyEngine()


class MemoryIndex:
    """An index in memory, for what it is told; it forgets nothing when a transaction is rolled back."""

    def __init__(self) -> None:
        self.passages: dict[UUID, list[Passage]] = {}
        self.facts: dict[UUID, DocumentFacts] = {}
        self.writes = 0
        self.renewed: list[UUID] = []

    async def replace(
        self, session: AsyncSession, document: DocumentFacts, passages: Sequence[Passage], vectors: NDArray[np.float32]
    ) -> None:
        assert len(passages) == len(vectors)
        self.writes += 1
        self.facts[document.id], self.passages[document.id] = document, list(passages)

    async def renew(self, session: AsyncSession, document: DocumentFacts, vectors: NDArray[np.float32]) -> None:
        assert len(self.passages[document.id]) == len(vectors)
        self.renewed.append(document.id)
        self.facts[document.id] = document

    async def remove(self, session: AsyncSession, document_id: UUID) -> None:
        self.facts.pop(document_id, None)
        self.passages.pop(document_id, None)

    async def update(self, session: AsyncSession, document: DocumentFacts) -> None:
        self.facts[document.id] = document

    async def preview(
        self, session: AsyncSession, document_id: UUID, *, start: int = 0, limit: int = 20
    ) -> list[Passage]:
        return self.passages.get(document_id, [])[start : start + limit]


class SteadyEmbedder:
    """The same vector for the same text; `down` is how often it is yet to be found dead."""

    def __init__(self) -> None:
        self.down = 0
        self.texts: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def embed(self, texts: Sequence[str], bulk: bool = False) -> NDArray[np.float32]:
        assert bulk
        if self.down:
            self.down -= 1
            raise ModelUnavailable("nobody listens")
        await self.gate.wait()
        self.texts += texts
        rows = [np.frombuffer(hashlib.sha256(text.encode()).digest() * 12, np.uint8) for text in texts]
        vectors = np.stack(rows).astype(np.float32) - 127.5
        normal: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return normal


@dataclass(frozen=True)
class Somebody:
    id: UUID
    clearance: int
    is_active: bool = True
    export_eligibility: frozenset[str] = frozenset()
    duties: frozenset[str] = frozenset()


class TelephoneBook:
    """The people of the plant, kept in memory."""

    def __init__(self) -> None:
        self.people: dict[str, Somebody] = {}

    async def known(self, _admitted: Admitted, word: str) -> Somebody | None:
        return self.people.get(word)

    async def holders(self, _admitted: Admitted, duty: str) -> frozenset[UUID]:
        return frozenset(one.id for one in self.people.values() if duty in one.duties)


@dataclass
class Plant:
    store: Store
    tenant: Tenant
    gate: Gate
    recorder: Recorder
    library: Library
    ingest: Ingest
    index: Any
    embedder: SteadyEmbedder
    sandbox: Sandbox
    jobs: Jobs
    folder: Path
    people: TelephoneBook
    approvals: Approvals
    moving: Moving
    teams: Any
    now: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    _running: list[tuple[Worker, asyncio.Task[None]]] = field(default_factory=list)

    def person(
        self,
        role: Role = "operator",
        clearance: int = 2,
        tenant: Tenant | None = None,
        eligible: str = "",
        teams: Mapping[UUID, TeamRole] | None = None,
    ) -> Principal:
        person = Principal(
            new_id(),
            "person",
            (tenant or self.tenant).id,
            "Nora North",
            role,
            clearance,
            eligibility=frozenset(eligible.split()),
            teams=frozenset((str(team), team_role) for team, team_role in (teams or {}).items()),
        )
        if tenant is None:
            self.people.people[str(person.id)] = Somebody(person.id, clearance, export_eligibility=person.eligibility)
        return person

    async def upload(self, name: str, content: bytes, *, by: Principal | None = None, **said: Any) -> Uploaded:
        path = self.folder / f"upload-{new_id()}"
        path.write_bytes(content)
        file = Received(path, name, len(content), hashlib.sha256(content).hexdigest())
        return await self.library.upload(by or self.person(), describe(name, **said), file)

    def start(self, name: str = "worker") -> Worker:
        worker = Worker(
            self.store,
            self.ingest.handlers,
            name=name,
            is_alive=lambda other: any(other == name for _ in self._running),
            bell=Bell(self.folder / f"{name}.sock"),
            watches=self.ingest.watches,
        )
        self._running.append((worker, asyncio.create_task(worker.run())))
        return worker

    async def stop(self) -> None:
        for worker, task in self._running:
            worker.stop()
            await asyncio.wait_for(task, 20)
        self._running.clear()

    async def row(self, document_id: UUID) -> DocumentRow | None:
        async with self.store.open_internal(Purpose.VERIFY, self.tenant.id) as session:
            return await queries.find(session, document_id)

    async def until(self, document_id: UUID, *states: str) -> DocumentRow:
        async with asyncio.timeout(60):
            while True:
                row = await self.row(document_id)
                if row is not None and row.status in states:
                    return row
                await asyncio.sleep(0.02)

    async def ready(self, name: str, content: bytes, **said: Any) -> DocumentRow:
        """Upload and wait until it is ready; a worker must be running."""
        uploaded = await self.upload(name, content, **said)
        return await self.until(uploaded.document_id, "ready", "failed")


@asynccontextmanager
async def plant_on(
    store: Store,
    tenant: Tenant,
    folder: Path,
    *,
    index: Index | None = None,
    embedder: Embedder | None = None,
    teams: Standing | None = None,
) -> AsyncIterator[Plant]:
    """Everything the library needs, on a store; workers that were started are stopped at the end."""
    recorder = Recorder(store, Instance(store.data / "run"))
    gate = Gate(POLICY, recorder, minter())
    store.post_record = gate.post_record
    steady = SteadyEmbedder()
    memory = index or MemoryIndex()
    cursors = Cursors(store.secret("cursor"))
    async with Sandbox(Limits(seconds=20, cpu_seconds=15)) as sandbox:
        holder: list[Plant] = []

        def clock() -> dt.datetime:
            return holder[0].now

        waker = Waker(folder / "worker.sock")
        people, there = TelephoneBook(), teams or EveryTeam()
        library = Library(store, gate, POLICY, memory, waker, sandbox, cursors, people, there, clock=clock)
        approvals = Approvals(store, gate, POLICY, memory, waker, people, cursors, clock=clock)
        moving = Moving(store, gate, POLICY, memory, there, clock=clock)
        ingest = Ingest(
            store, gate, memory, embedder or steady, sandbox, Guard(NoClassifier()), Violations(store), clock=clock
        )
        jobs = Jobs(store, gate, cursors, WATCHES)
        plant = Plant(
            store, tenant, gate, recorder, library, ingest, memory, steady, sandbox, jobs, folder, people, approvals,
            moving, there,
        )  # fmt: skip
        holder.append(plant)
        try:
            yield plant
        finally:
            await plant.stop()
            with contextlib.suppress(Exception):
                await gate.close()
            await recorder.close()
