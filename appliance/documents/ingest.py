"""The jobs of the library: reading a document in, erasing a file, looking again at what is in force.

```
claimed ─> read file ─> parse in the sandbox ─> cut ─> screen ─> embed ─> one transaction: passages, status, what is in force
```

Killed anywhere, the job is run again from its start and changes nothing before that one transaction; run twice, it
finds that the index already holds its work (`indexed_by`).
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.documents import store as queries
from appliance.documents.approving import INGEST, keep_dates
from appliance.documents.blocks import ParsedFile
from appliance.documents.chunking import Sizes, chunk, embedded_text
from appliance.documents.errors import EmbedderUnavailable, ReaderUnavailable, UnreadableFile
from appliance.documents.memory import give_memory_back
from appliance.documents.ports import CountTokens, Embedder, Index, Notes, Reader, Screener
from appliance.documents.settling import IN_FORCE, Clock, library_worker, now, settle
from appliance.documents.tables import DocumentRow
from appliance.documents.tokens import estimated_tokens
from appliance.documents.values import Passage
from appliance.errors import Unavailable
from appliance.gate import Gate
from appliance.guard.values import Violation
from appliance.jobs import Cancelled, Handler, Retry, RunningJob, Watch
from appliance.news import tell
from appliance.policy import Resource
from appliance.store import Admitted, BlobName, Purpose, Store
from models.client import ModelRefused, ModelUnavailable

ERASE = "documents.erase"

BATCH = 16
PAUSE_SHARE = 0.15
"""Of the time a batch took, this much is left to others before the next one."""
PATIENCE = 40
"""How often a job waits for the models or the reader, at most a minute each time, before it gives up."""

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Ingest:
    """Reads documents in. Call it as the handler of `ingest`; `handlers` and `watches` name all that a worker needs."""

    def __init__(
        self,
        store: Store,
        gate: Gate,
        index: Index,
        embedder: Embedder,
        reader: Reader,
        screener: Screener,
        violations: Notes,
        *,
        count_tokens: CountTokens = estimated_tokens,
        sizes: Sizes | None = None,
        clock: Clock = now,
    ) -> None:
        self._store = store
        self._gate = gate
        self._index = index
        self._embedder = embedder
        self._reader = reader
        self._screener = screener
        self._violations = violations
        self._count_tokens = count_tokens
        self._sizes = sizes or Sizes()
        self._clock = clock

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {INGEST: self, ERASE: self.erase, IN_FORCE: self.look_again}

    @property
    def watches(self) -> Mapping[str, Watch]:
        return WATCHES

    async def __call__(self, job: RunningJob) -> Mapping[str, Any] | None:
        """Read one document in. Raises Retry while the models or the reader are down."""
        document_id = UUID(job.payload["document_id"])
        resource = Resource("document", str(document_id))
        principal = library_worker(job.tenant_id)

        async def work() -> Mapping[str, Any]:
            async with self._gate.admit(principal, "documents.ingest", resource) as admitted:
                return await self._ingest(admitted, job, document_id)

        return await self.patiently(job, work())

    async def patiently(self, job: RunningJob, work: Awaitable[T]) -> T:
        """Do part of a job. Raises Retry while the models or the reader are down, Cancelled."""
        try:
            return await work
        except (EmbedderUnavailable, ReaderUnavailable) as error:
            if job.retries >= PATIENCE:
                raise
            raise Retry(error.detail, seconds=min(60.0, 0.5 * 2**job.retries)) from error
        except _Stopped:
            raise Cancelled from None
        finally:
            give_memory_back()

    async def _ingest(self, admitted: Admitted, job: RunningJob, document_id: UUID) -> Mapping[str, Any]:
        began = time.monotonic()
        async with self._store.open_session(admitted) as session:
            row = await queries.find(session, document_id)
        if row is None or row.job_id != job.id:
            return {"skipped": "The document was deleted or is read in by another job."}
        if row.indexed_by == job.id:
            return {"passages": row.passages}
        await self._tell(job, 0.05, "reading the file")
        content = await self._store.blobs.get(admitted.tenant_id, BlobName(row.blob))
        sha256 = hashlib.sha256(content).hexdigest()
        parsed = await self._reader.parse(content, row.filename)
        passages = await asyncio.to_thread(chunk, parsed.blocks, self._count_tokens, self._sizes)
        if not passages:
            raise UnreadableFile("No text was found in the file.")
        passages, likely = await self._screened(job, passages)
        vectors = await self.embed(job, passages)
        await self._tell(job, 0.95, "putting it in place")
        admitted.outcome.metadata |= {
            "passages": len(passages),
            "pages": parsed.pages,
            "bytes": row.size,
            "seconds": round(time.monotonic() - began, 2),
        } | _flagged(passages)
        noted = _violations(document_id, passages, likely)
        if not await self._put(admitted, job, document_id, parsed, sha256, passages, vectors, noted):
            return {"skipped": "The document was deleted meanwhile."}
        return {"passages": len(passages), "pages": parsed.pages}

    async def _put(
        self,
        admitted: Admitted,
        job: RunningJob,
        document_id: UUID,
        parsed: ParsedFile,
        sha256: str,
        passages: Sequence[Passage],
        vectors: NDArray[np.float32],
        noted: Sequence[Violation],
    ) -> bool:
        """The one transaction that makes a document ready; False if it has gone meanwhile."""
        async with self._store.open_session(admitted, write=True) as session:
            await queries.take_turn(session)
            row = await queries.find(session, document_id, to_change=True)
            if row is None or row.job_id != job.id:
                return False
            if row.indexed_by == job.id:
                return True
            row.title = row.details.get("title") or parsed.title or row.filename.rpartition("/")[2]
            row.sha256, row.pages, row.passages = sha256, parsed.pages, len(passages)
            row.flagged = sum(bool(one.flags) for one in passages)
            row.status, row.reason = "ready", None
            row.indexed_by, row.updated_at = UUID(str(job.id)), self._clock()
            await self._violations.note(session, row.uploaded_by, noted)
            await self._index.replace(session, queries.facts(row), passages, vectors)
            changed = await settle(session, self._index, [row], tenant_id=admitted.tenant_id, clock=self._clock)
            admitted.outcome.metadata |= {"in_force": row.in_force, "changed_standing": changed}
            return True

    async def _screened(self, job: RunningJob, passages: Sequence[Passage]) -> tuple[list[Passage], float]:
        """The same, each with the rules by which it gives orders to a language model, and the highest chance that one does. It is kept
        and quoted all the same: a document may well be about such things.
        """
        made: list[Passage] = []
        likely = 0.0
        for start in range(0, len(passages), BATCH):
            await self._tell(job, 0.05 + 0.05 * start / len(passages), "looking for orders to a model")
            batch = passages[start : start + BATCH]
            began = time.monotonic()
            found = await self._screener.injections(
                [f"{one.heading}\n{one.text}" for one in batch], job.tenant_id, bulk=True
            )
            made += [
                replace(one, flags=(judged.rules or ("classifier",)) if judged.verdict else ())
                for one, judged in zip(batch, found, strict=True)
            ]
            likely = max([likely, *(judged.score for judged in found)])
            await asyncio.sleep((time.monotonic() - began) * PAUSE_SHARE)
        return made, likely

    async def embed(self, job: RunningJob, passages: Sequence[Passage]) -> NDArray[np.float32]:
        """One vector a passage, in order. Texts of like length go together, so that little is padded."""
        texts = [embedded_text(passage) for passage in passages]
        order = sorted(range(len(texts)), key=lambda position: len(texts[position]))
        vectors = np.zeros((len(texts), 0), np.float32)
        for start in range(0, len(order), BATCH):
            await self._tell(job, 0.1 + 0.85 * start / len(order), "making it searchable")
            batch = order[start : start + BATCH]
            began = time.monotonic()
            try:
                rows = await self._embedder.embed([texts[position] for position in batch], bulk=True)
            except (ModelUnavailable, Unavailable) as error:
                raise EmbedderUnavailable("The small models are not running; the document waits for them.") from error
            except ModelRefused as error:
                raise UnreadableFile("The models could not take in the text of the file.") from error
            if not vectors.size:
                vectors = np.zeros((len(texts), rows.shape[1]), np.float32)
            vectors[batch] = rows
            await asyncio.sleep((time.monotonic() - began) * PAUSE_SHARE)
        return vectors

    async def _tell(self, job: RunningJob, share: float, word: str) -> None:
        try:
            await job.progress(share, word)
        except Cancelled:
            raise _Stopped("The job was cancelled.") from None

    async def erase(self, job: RunningJob) -> None:
        """Remove a stored file that no document uses any more; the deletion itself has been recorded."""
        blob = BlobName(job.payload["blob"])
        async with self._store.open_internal(Purpose.RECOVERY, job.tenant_id, write=True) as session:
            # Inside the transaction, so that no upload of the same content can count on the file meanwhile.
            await queries.take_turn(session)
            if not await queries.uses_blob(session, blob):
                await self._store.blobs.remove(job.tenant_id, blob)

    async def look_again(self, job: RunningJob) -> Mapping[str, Any]:
        """A date has been reached: of what is in force, of an approval that ends, of a class to be looked at again."""
        principal = library_worker(job.tenant_id)
        async with (
            self._gate.admit(principal, "documents.ingest", Resource("document")) as admitted,
            self._store.open_session(admitted, write=True) as session,
        ):
            await queries.take_turn(session)
            dated = await queries.everything_dated(session)
            changed = await settle(session, self._index, dated, tenant_id=job.tenant_id, clock=self._clock)
            kept = await keep_dates(session, self._index, str(principal.id), self._clock())
            admitted.outcome.metadata |= {"changed_standing": changed, "dates_kept": kept}
        return {"changed": changed}


class _Stopped(Unavailable):
    """The work was given up because its job was cancelled; the record says so."""

    code, title = "cancelled", "Cancelled"


def _flagged(passages: Sequence[Passage]) -> dict[str, Any]:
    """For the record: how many passages give orders to a language model, and by which rules."""
    flagged = [one for one in passages if one.flags]
    if not flagged:
        return {}
    return {"flagged": len(flagged), "flags": sorted({name for one in flagged for name in one.flags or ()})}


def _violations(document_id: UUID, passages: Sequence[Passage], likely: float) -> tuple[Violation, ...]:
    """The document once, whatever number of its passages give orders."""
    rules = sorted({name for one in passages for name in one.flags or ()})
    return (Violation("injection", "document", "withheld", tuple(rules), likely, document_id),) if rules else ()


async def follow(session: AsyncSession, payload: Mapping[str, Any], state: str, reason: str) -> None:
    """A document shows the state of the job that reads it in."""
    row = await queries.find(session, UUID(payload["document_id"]), to_change=True)
    if row is None or row.status in {"ready", "failed"}:
        return
    match state:
        case "running":
            row.status, row.reason = "processing", None
        case "queued":
            row.status, row.reason = "pending", reason or None
        case "failed":
            give_up(row, reason or "Reading the file failed.")
            await tell(session, "document.failed", person=row.uploaded_by, document=str(row.id))
        case "cancelled":
            give_up(row, "Reading it in was cancelled. Start it again to use the document.")
        case _:
            pass


def give_up(row: DocumentRow, reason: str) -> None:
    """Failed; but a document that was readable before stays as it was."""
    row.status = "ready" if row.indexed_by is not None else "failed"
    row.reason = reason


WATCHES: Mapping[str, Watch] = {INGEST: follow}
"""What jobs tell the library; for the worker, and for the service that cancels jobs."""
