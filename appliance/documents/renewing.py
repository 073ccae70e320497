"""The index of a whole plant made anew, and its documents read in again: document by document, while people search.

Each document is one transaction: until it commits the entries of before answer, and killed anywhere, each document has
the old entries or the new ones. Passages keep their numbers, so that citations and cards still point at them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from appliance.documents import approving
from appliance.documents import store as queries
from appliance.documents.ingest import Ingest
from appliance.documents.ports import Index
from appliance.documents.settling import Clock, library_worker, now
from appliance.gate import Gate
from appliance.jobs import Handler, RunningJob
from appliance.jobs.types import JobType
from appliance.policy import Resource
from appliance.store import Store, TenantId
from appliance.upkeep.types import IDLE, REINDEX

REREAD: Final = "documents.reread"
TYPES: Final = (
    JobType(REREAD, "Puts every document into the queue to be read in again from its file.", priority=IDLE),
)


class Renewing:
    """Handles `index.rebuild` and `documents.reread`."""

    def __init__(self, store: Store, gate: Gate, index: Index, ingest: Ingest, clock: Clock = now) -> None:
        self._store, self._gate, self._index, self._ingest, self._clock = store, gate, index, ingest, clock

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {REINDEX: self.rebuild, REREAD: self.reread}

    async def rebuild(self, job: RunningJob) -> Mapping[str, Any]:
        """Raises Retry while the models are down, Cancelled; what was done until then stays done, and is right."""
        every = await self._every(job.tenant_id)
        renewed = passages = 0
        for number, document_id in enumerate(every):
            await job.progress(number / len(every), f"document {number + 1} of {len(every)}")

            async def report(share: float, word: str, done: int = number) -> None:
                await job.report((done + share) / len(every), word)

            found = await self._ingest.patiently(job, self._renew(dataclasses.replace(job, report=report), document_id))
            renewed += found > 0
            passages += found
        return {"documents": renewed, "passages": passages}

    async def reread(self, job: RunningJob) -> Mapping[str, Any]:
        """Documents that are being read in, or wait for an approval, are left as they are."""
        every = await self._every(job.tenant_id)
        queued = 0
        for number, document_id in enumerate(every):
            await job.progress(number / len(every), f"document {number + 1} of {len(every)}")
            queued += await self._again(job.tenant_id, document_id)
        return {"documents": queued}

    async def _every(self, tenant_id: TenantId) -> list[UUID]:
        async with (
            self._gate.admit(library_worker(tenant_id), "documents.ingest", Resource("document")) as admitted,
            self._store.open_session(admitted) as session,
        ):
            return await queries.read_before(session)

    async def _renew(self, job: RunningJob, document_id: UUID) -> int:
        """How many passages the index holds anew; 0 for a document that has gone or was read in meanwhile."""
        resource = Resource("document", str(document_id))
        async with self._gate.admit(library_worker(job.tenant_id), "documents.ingest", resource) as admitted:
            async with self._store.open_session(admitted) as session:
                row = await queries.find(session, document_id)
                passages = await self._index.preview(session, document_id, limit=10**6)
            if row is None or not passages:
                return 0
            vectors = await self._ingest.embed(job, passages)
            async with self._store.open_session(admitted, write=True) as session:
                await queries.take_turn(session)
                now_there = await queries.find(session, document_id, to_change=True)
                if now_there is None or now_there.indexed_by != row.indexed_by:
                    return 0
                await self._index.renew(session, queries.facts(now_there), vectors)
            admitted.outcome.metadata |= {"renewed": len(passages)}
            return len(passages)

    async def _again(self, tenant_id: TenantId, document_id: UUID) -> bool:
        worker = library_worker(tenant_id)
        resource = Resource("document", str(document_id))
        async with (
            self._gate.admit(worker, "documents.ingest", resource) as admitted,
            self._store.open_session(admitted, write=True) as session,
        ):
            row = await queries.find(session, document_id, to_change=True)
            if row is None or row.status not in {"ready", "failed"}:
                return False
            await approving.read_in(session, row, worker, self._clock())
            return True
