"""The recorder: facts go in, durable places in a log come out.

    append ──┐                         one batch, one transaction
    append ──┼── waiting ── drain ──> BEGIN · re-read heads · leaves · COMMIT ──> head file ──> all callers answered
    append ──┘

While a batch is being committed, what arrives waits for the next one: a busy node shares each fsync among many.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import bindparam, delete

from appliance.audit.channel import Channel, Transaction, named, open_channel
from appliance.audit.epochs import epoch_of
from appliance.audit.errors import RecordUnavailable
from appliance.audit.heads import HEAD_FILE, HeadFile
from appliance.audit.instances import Instance
from appliance.audit.notes import Signer
from appliance.audit.outbox import Outbox
from appliance.audit.records import Leaf, Sealer, prepare
from appliance.audit.store import Appended, Head, Journal, Submission, sizes
from appliance.audit.tables import PersonalRow
from appliance.audit.values import LogName, NewRecord
from appliance.errors import OutpostError
from appliance.store import RecordRef, Store, TenantId
from appliance.tracing import span

T = TypeVar("T")
BATCH: Final = 512
"""Submissions in one transaction: a writer holds the file for at most about 50 ms."""

_FORGET: Final = delete(PersonalRow).where(
    PersonalRow.record_id == bindparam("record"), PersonalRow.field == bindparam("name")
)

SYNC_HEADS_AFTER_S: Final = 0.5
"""How far the head file may be behind the log after a power cut."""

FAILING_FOR_S: Final = 15.0
"""How long a record that could not be written says that the next one cannot be either."""

CHECKPOINT_EVERY: Final = 64
"""A rewritten record is bounded to so many; a checkpoint row takes as much room as half a record."""


@dataclass(slots=True)
class _Waiting:
    submission: Submission
    placed: asyncio.Future[list[RecordRef]]


class Recorder:
    """Appends to the logs of one node, for one process.

    Args:
        store: holds the audit data, the keys and the outboxes.
        instance: this process, alive for as long as it records.
        heads: where the head file stands; by default in the store's data directory, where `verify` looks for it.
        epoch: grows when a node is restored, cloned or reset; by default the one that the data directory is in.

    Attributes:
        outbox: post-records that travel with the change they describe.
    """

    def __init__(
        self,
        store: Store,
        instance: Instance,
        *,
        heads: Path | None = None,
        epoch: int | None = None,
        checkpoint_every: int = CHECKPOINT_EVERY,
    ) -> None:
        self.signer = signer_of(store)
        self.sealer = sealer_of(store)
        self.epoch = epoch_of(store.data) if epoch is None else epoch
        self.heads = HeadFile(
            heads or store.data / HEAD_FILE, node_id=self.signer.node_id, public_key=self.signer.public_key
        )
        self.instance = instance
        self.outbox = Outbox(store, self.append_once)
        self._store = store
        self._journal = Journal(self.signer, instance=instance.id, checkpoint_every=checkpoint_every)
        self._channel: Channel | None = None
        self._opening = asyncio.Lock()
        self._waiting: list[_Waiting] = []
        self._drainer: asyncio.Task[None] | None = None
        self._syncer: asyncio.Task[None] | None = None
        self._unsynced = False
        self._closed = False
        self._failed: tuple[float, str] | None = None

    async def append(self, *records: NewRecord) -> list[RecordRef]:
        """Record all of `records`, in this order; durable when it returns.

        Raises:
            RecordUnavailable: it is not known to be durable; nothing may be done that depends on it.
            RecordDamaged: the log cannot be read.
            Unrecordable: a value has no exact JSON form; nothing was recorded.
        """
        return await self._submit(Submission([self.leaf(record) for record in records]))

    async def append_once(self, leaves: Sequence[Leaf]) -> list[RecordRef]:
        """Append prepared leaves; one whose id is already in a log keeps its place. Raises as `append` does."""
        return await self._submit(Submission(leaves, once=True))

    def leaf(self, record: NewRecord) -> Leaf:
        """Fix the bytes of a record without appending it."""
        return prepare(record, node=self.signer.node_id, epoch=self.epoch, sealer=self.sealer)

    async def relay(self, tenant_id: TenantId | None) -> int:
        """Append what stands in the outbox of a tenant (of the node when None), then empty it; how many there were.

        Safe at any time and in several processes at once: a record is appended once.
        """
        return await self.outbox.relay(tenant_id, epoch=self.epoch)

    async def save_heads(self) -> Mapping[LogName, Head]:
        """Keep a checkpoint of every log as it is now, in the database and in the head file."""
        channel = await self._open()
        return await channel.run(self._journal.save_heads, self._write_heads)

    async def sizes(self) -> Mapping[LogName, int]:
        """How many records each log has, asked on the way that records are written. Raises as `append` does."""
        return await self.write(sizes)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Other work on the audit data, in one writing transaction, on the way that records are written.

        Durable when it returns. Raises as `append` does, and what `work` raises.
        """
        channel = await self._open()
        return await channel.run(work, _nothing)

    def failing(self) -> str | None:
        """Why the last records could not be written, if that was tried a moment ago; what has not been tried since is not
        known, so that a node which is asked nothing while it is not well does not stay so.
        """
        if self._failed is None or time.monotonic() - self._failed[0] > FAILING_FOR_S:
            return None
        return self._failed[1]

    async def purge(self, values: Mapping[str, Any]) -> int:
        """Remove old records, as `purging` says it; how many there were. Raises RecordUnavailable."""
        return await self.write(lambda transaction: transaction.purge(values))

    async def forget(self, fields: Sequence[tuple[str, str]]) -> None:
        """Remove personal fields with their salts, each by its record's id and its name. Raises RecordUnavailable."""
        channel = await self._open()
        rows = [{"record": record, "name": name} for record, name in fields]
        await channel.run(lambda transaction: transaction.many(_FORGET, rows), _nothing)

    async def close(self) -> None:
        """Finish what waits, empty the outboxes that were relayed, save the heads, and let go of the instance.

        Never raises for a record that cannot be written: those who waited for it have been told.
        """
        self._closed = True
        if self._drainer is not None:
            await asyncio.wait([self._drainer])
        with contextlib.suppress(OutpostError):
            await self.outbox.close()
            if self._channel is not None:
                await self.save_heads()
        if self._syncer is not None:
            self._syncer.cancel()
            await asyncio.wait([self._syncer])
            with contextlib.suppress(OSError):
                await asyncio.to_thread(self.heads.sync)
        if self._channel is not None:
            await self._channel.close()
        self.instance.close()

    async def _submit(self, submission: Submission) -> list[RecordRef]:
        if self._closed:
            raise RecordUnavailable("The node is stopping.")
        if not submission.leaves:
            return []
        waiting = _Waiting(submission, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._drainer is None or self._drainer.done():
            self._drainer = asyncio.create_task(self._drain(), name="audit-commit")
        with span("record.append", records=len(submission.leaves)):
            return await waiting.placed

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            try:
                appended = await self._commit([waiting.submission for waiting in batch])
            except Exception as error:
                self._journal.forget()
                failure = named(error)
                self._failed = time.monotonic(), failure.detail
                for waiting in batch:
                    if not waiting.placed.done():
                        waiting.placed.set_exception(_again(failure))
            except BaseException:
                for waiting in (*batch, *self._waiting):
                    waiting.placed.cancel()
                raise
            else:
                self._failed = None
                for waiting, refs in zip(batch, appended.refs, strict=True):
                    if not waiting.placed.done():
                        waiting.placed.set_result(refs)

    async def _commit(self, batch: Sequence[Submission]) -> Appended:
        channel = await self._open()
        appended = await channel.run(
            lambda transaction: self._journal.append(transaction, batch),
            lambda appended: self._write_heads(appended.heads),
        )
        self._journal.settle(appended)
        self._unsynced = True
        if self._syncer is None or self._syncer.done():
            self._syncer = asyncio.create_task(self._sync_heads(), name="audit-heads-sync")
        return appended

    async def _sync_heads(self) -> None:
        while self._unsynced:
            await asyncio.sleep(SYNC_HEADS_AFTER_S)
            self._unsynced = False
            with contextlib.suppress(OSError):
                await asyncio.to_thread(self.heads.sync)

    async def _open(self) -> Channel:
        async with self._opening:
            if self._channel is None:
                self._channel = await open_channel(self._store)
            return self._channel

    def _write_heads(self, heads: Mapping[LogName, Head]) -> None:
        self.heads.write({log: head.note for log, head in heads.items()})


def _nothing(_: object) -> None:
    """What follows a transaction that has written nothing."""


def signer_of(store: Store) -> Signer:
    """The key that signs this node's logs."""
    return Signer(store.secret("audit-log"))


def sealer_of(store: Store) -> Sealer:
    """The keys of personal fields: each tenant's own, and the node's."""

    def key_for(tenant_id: TenantId | None) -> bytes:
        name = "audit-personal"
        return store.secret(name) if tenant_id is None else store.tenant_secret(tenant_id, name)

    return Sealer(key_for)


def _again(error: OutpostError) -> OutpostError:
    """The same failure for each of those who waited: an exception belongs to one traceback."""
    return type(error)(error.detail, hint=error.hint, **error.context)
