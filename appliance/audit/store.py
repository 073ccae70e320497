"""The record's rows: appended in batches, found again by log and place. Synchronous, inside a channel's transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select

from appliance.audit.channel import Transaction
from appliance.audit.errors import RecordDamaged
from appliance.audit.notes import Checkpoint, Signer
from appliance.audit.proofs import StoredTree, fill
from appliance.audit.records import Leaf
from appliance.audit.rules import Frontier
from appliance.audit.tables import CheckpointRow, LeafRow, OpenRow, PersonalRow
from appliance.audit.values import LogName
from appliance.store import RecordRef

_SAVED: Final = (
    select(CheckpointRow.size, CheckpointRow.frontier)
    .where(CheckpointRow.log == bindparam("log"))
    .order_by(CheckpointRow.size.desc())
    .limit(1)
)
_TAIL: Final = (
    select(LeafRow.seq, LeafRow.hash)
    .where(LeafRow.log == bindparam("log"), LeafRow.seq >= bindparam("start"), LeafRow.seq < bindparam("end"))
    .order_by(LeafRow.seq)
)
_FOUND: Final = select(LeafRow.log, LeafRow.seq).where(LeafRow.id == bindparam("id"))
_LOGS: Final = select(CheckpointRow.log).distinct()  # a log's first batch always leaves a checkpoint
_ADD_LEAF: Final = insert(LeafRow)
_ADD_CHECKPOINT: Final = insert(CheckpointRow)
_ADD_PERSONAL: Final = insert(PersonalRow)
_ADD_OPEN: Final = insert(OpenRow)
_CLOSE: Final = delete(OpenRow).where(OpenRow.correlation_id == bindparam("done"))

END: Final = 2**62
"""Beyond every place of every log."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a log ends: its frontier, and the checkpoint signed over it."""

    frontier: Frontier
    note: str

    @property
    def size(self) -> int:
        return self.frontier.size


@dataclass(frozen=True, slots=True)
class Submission:
    """Leaves that are appended together. `once` makes a leaf whose id is known a success instead of a conflict."""

    leaves: Sequence[Leaf]
    once: bool = False


@dataclass(frozen=True, slots=True)
class Appended:
    """What a batch did: places by submission, and the new head of every log that grew."""

    refs: Sequence[list[RecordRef]]
    heads: Mapping[LogName, Head]


class Journal:
    """Appends to the logs of one database.

    It remembers the frontier of every log it has seen, and reads what other processes appended since.

    Args:
        instance: the process that owes post-records for the pre-records it writes.
        checkpoint_every: a signed checkpoint is kept in the database when a log has grown by so many records.
    """

    def __init__(self, signer: Signer, *, instance: str, checkpoint_every: int) -> None:
        self._signer = signer
        self._instance = instance
        self._every = checkpoint_every
        self._known: dict[LogName, Frontier] = {}

    def append(self, transaction: Transaction, batch: Sequence[Submission]) -> Appended:
        """Append all submissions in order. Nothing is remembered until `settle`.

        Raises:
            RecordDamaged: a log has a gap.
        """
        logs = sorted({leaf.log for submission in batch for leaf in submission.leaves})
        transaction.lock(logs)
        frontiers = {log: _caught_up(transaction, log, self._known.get(log)) for log in logs}
        sizes = {log: frontier.size for log, frontier in frontiers.items()}
        added: dict[LogName, list[bytes]] = {log: [] for log in logs}
        new: list[Leaf] = []
        rows: list[dict[str, object]] = []
        seen: dict[str, RecordRef] = {}
        refs: list[list[RecordRef]] = []
        for submission in batch:
            places: list[RecordRef] = []
            for leaf in submission.leaves:
                ref = seen.get(leaf.id) or (_found(transaction, leaf.id) if submission.once else None)
                if ref is None:
                    seq = sizes[leaf.log] + len(added[leaf.log])
                    ref = seen[leaf.id] = RecordRef(leaf.log, seq, UUID(leaf.id))
                    added[leaf.log].append(leaf.hash)
                    new.append(leaf)
                    rows.append(_row(leaf, seq))
                places.append(ref)
            refs.append(places)
        transaction.many(_ADD_LEAF, rows)
        for log, hashes in added.items():
            fill(transaction, log, sizes[log], sizes[log] + len(hashes))
        transaction.many(_ADD_PERSONAL, list(_personal(new)))
        transaction.many(_ADD_OPEN, [_open(leaf, self._instance) for leaf in new if leaf.phase == "pre"])
        transaction.many(_CLOSE, [{"done": leaf.correlation_id} for leaf in new if leaf.phase == "post"])
        heads = {log: self._head(log, frontiers[log].extend(hashes)) for log, hashes in added.items() if hashes}
        due = [log for log, head in heads.items() if self._is_due(sizes[log], head.frontier.size)]
        transaction.many(_ADD_CHECKPOINT, [_checkpoint(log, heads[log]) for log in due])
        return Appended(refs, heads)

    def settle(self, appended: Appended) -> None:
        """Remember the heads of a batch that is durable."""
        self._known |= {log: head.frontier for log, head in appended.heads.items()}

    def forget(self) -> None:
        """Read every log anew: what was last appended may or may not be there."""
        self._known.clear()

    def save_heads(self, transaction: Transaction) -> Mapping[LogName, Head]:
        """Keep a checkpoint of every log at its present end, and return these heads."""
        logs = sorted(LogName(row[0]) for row in transaction.rows(_LOGS))
        transaction.lock(logs)
        heads = {}
        for log in logs:
            head = self._head(log, _caught_up(transaction, log, None))
            heads[log] = head
            saved = transaction.rows(_SAVED, log=log)
            if not saved or saved[0][0] < head.frontier.size:
                transaction.many(_ADD_CHECKPOINT, [_checkpoint(log, head)])
        return heads

    def _is_due(self, old: int, new: int) -> bool:
        return old == 0 or new // self._every > old // self._every

    def _head(self, log: LogName, frontier: Frontier) -> Head:
        checkpoint = Checkpoint(self._signer.origin(log), frontier.size, frontier.root())
        return Head(frontier, self._signer.sign(checkpoint))


def root_at(transaction: Transaction, log: LogName, size: int) -> bytes | None:
    """The root of the first `size` stored leaf hashes of a log; None if there are fewer."""
    whole = present(transaction, log=log).size
    return StoredTree(transaction, log, whole).root(size) if size <= whole else None


def sizes(transaction: Transaction) -> Mapping[LogName, int]:
    """How many records each log has."""
    return {log: frontier.size for log, frontier in heads(transaction).items()}


def heads(transaction: Transaction) -> Mapping[LogName, Frontier]:
    """Where each log ends now."""
    logs = sorted(LogName(row[0]) for row in transaction.rows(_LOGS))
    return {log: present(transaction, log=log) for log in logs}


def present(transaction: Transaction, *, log: LogName) -> Frontier:
    """The frontier of a log as it is stored now; empty for one that has no record."""
    return _caught_up(transaction, log, None)


def _caught_up(transaction: Transaction, log: LogName, known: Frontier | None) -> Frontier:
    if known is None:
        saved = transaction.rows(_SAVED, log=log)
        known = Frontier.from_bytes(int(saved[0][0]), bytes(saved[0][1])) if saved else Frontier()
    rows = transaction.rows(_TAIL, log=log, start=known.size, end=END)
    for place, row in enumerate(rows, start=known.size):
        if row[0] != place:
            raise RecordDamaged(f"Record {place} of log {log} is missing.", log=log, seq=place)
    return known.extend(bytes(row[1]) for row in rows)


def _found(transaction: Transaction, record_id: str) -> RecordRef | None:
    rows = transaction.rows(_FOUND, id=record_id)
    return RecordRef(rows[0][0], int(rows[0][1]), UUID(record_id)) if rows else None


def _row(leaf: Leaf, seq: int) -> dict[str, object]:
    return {
        "log": leaf.log,
        "seq": seq,
        "id": leaf.id,
        "hash": leaf.hash,
        "record": leaf.record,
        "event_type": leaf.event_type,
        "user_id": leaf.user_id,
        "created_at": leaf.created_at,
        "correlation_id": leaf.correlation_id,
    }


def _personal(leaves: Sequence[Leaf]) -> Iterator[dict[str, object]]:
    for leaf in leaves:
        for kept in leaf.personal:
            yield {"record_id": leaf.id, "field": kept.field, "subject": leaf.user_id, "sealed": kept.sealed}


def _open(leaf: Leaf, instance: str) -> dict[str, object]:
    return {
        "correlation_id": leaf.correlation_id,
        "record_id": leaf.id,
        "instance": instance,
        "outside": leaf.outside,
    }


def _checkpoint(log: LogName, head: Head) -> dict[str, object]:
    frontier = head.frontier
    return {"log": log, "size": frontier.size, "frontier": frontier.to_bytes(), "note": head.note}
