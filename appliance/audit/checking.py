"""What the leaves of a log prove, and what they give away. Pure: fed in order, asked at the end.

What each kind of change leaves behind:

    bytes of a record changed               its stored hash no longer fits: that record is named
    hash rewritten too, records swapped     the first saved head that no longer matches bounds the change
    the end of the log lost                 a saved head knows a larger size

Whoever holds the node's keys can write another history, but not one that fits a checkpoint kept elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from appliance.audit.records import Leaf
from appliance.audit.rules import Frontier, leaf_hash
from appliance.audit.values import LogName

Kind = Literal[
    "record-changed",
    "hash-changed",
    "tile-changed",
    "columns-changed",
    "record-missing",
    "history-changed",
    "tail-lost",
    "checkpoint-changed",
    "cosignature-changed",
    "personal-changed",
    "head-missing",
    "head-damaged",
    "file-damaged",
]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written, in words for a person; `seq` and `id` when one record is meant."""

    kind: Kind
    text: str
    log: LogName | None = None
    seq: int | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A root that the log once had at a size, and who says so."""

    size: int
    root: bytes
    source: Literal["checkpoint", "head", "disputed", "witnessed"]


@dataclass(frozen=True, slots=True)
class StoredLeaf:
    """A row of the log as it is found."""

    seq: int
    id: str
    hash: bytes
    record: bytes
    event_type: str
    user_id: str | None
    created_at: str
    correlation_id: str | None


class LogCheck:
    """Follows one log from its first record to its last.

    Args:
        marks: signed heads of the past, in any order.
    """

    def __init__(self, log: LogName, marks: Iterable[Mark]) -> None:
        self.log = log
        self.findings: list[Finding] = []
        self._marks = sorted(marks, key=lambda mark: mark.size)
        self._stored = Frontier()  # over the hashes as they are stored
        self._remade = Frontier()  # over the records as they are stored
        self._proven = 0  # the largest size whose root was right
        self._doubtful: list[StoredLeaf] = []  # hash and bytes disagree; the next mark says which of them is right
        self._broken = False  # the tree is known to be another one
        self._next = 0

    @property
    def size(self) -> int:
        return self._next

    def root(self) -> bytes:
        return self._stored.root()

    def add(self, leaf: StoredLeaf) -> None:
        """Take the next row, in order of `seq`."""
        if leaf.seq != self._next:
            missing = _records(self._next, max(leaf.seq, self._next + 1))
            self._find("record-missing", f"{missing[0].upper()}{missing[1:]} missing.", seq=self._next)
            self._broken = True
        self._next = max(leaf.seq, self._next) + 1
        made = leaf_hash(leaf.record)
        if made != leaf.hash:
            self._doubtful.append(leaf)
        else:
            self._check_columns(leaf)
        self._stored = self._stored.append(leaf.hash)
        self._remade = self._remade.append(made)
        while self._marks and self._marks[0].size <= self._next:
            self._meet(self._marks.pop(0))

    def purged(self, tiles: Iterable[bytes]) -> None:
        """Take the records that are gone, as the tiles (256 hashes each) that were kept of them; before any `add`."""
        for tile in tiles:
            for at in range(0, len(tile), 32):
                self._stored = self._stored.append(tile[at : at + 32])
                self._next += 1
                if self._marks and self._marks[0].size <= self._next:
                    self._remade = self._stored
                while self._marks and self._marks[0].size <= self._next:
                    self._meet(self._marks.pop(0))
        self._remade = self._stored

    def finish(self) -> None:
        """Say what can only be said at the end."""
        for leaf in self._doubtful:
            self._name(leaf)
        lost = [mark for mark in self._marks if mark.size > self._next]
        if lost:
            longest = lost[-1]
            self._find(
                "tail-lost",
                f"The saved head knows {longest.size} records, the log has {self._next}: "
                f"{_records(self._next, longest.size)} lost.",
                seq=self._next,
            )

    def _meet(self, mark: Mark) -> None:
        if self._broken:
            return
        if self._stored.root() == mark.root:
            for leaf in self._doubtful:
                self._name(leaf)
            self._doubtful.clear()
            self._remade = self._stored
            self._proven = mark.size
        elif mark.source == "disputed":
            self._find("tail-lost", f"The log ended at {mark.size} records in another way: its end was lost.")
        elif self._remade.root() == mark.root:
            for leaf in self._doubtful:
                self._find("hash-changed", f"The stored hash of record {leaf.seq} was changed.", leaf.seq, leaf.id)
            self._doubtful.clear()
            self._stored = self._remade
            self._proven = mark.size
        else:
            source = {"head": "head file", "witnessed": "head that a witness cosigned"}.get(mark.source, "checkpoint")
            self._find(
                "history-changed",
                f"The {source} at {mark.size} records does not match: something in "
                f"{_records(self._proven, mark.size, verb=False)} was changed, and its hashes with it.",
                seq=self._proven,
            )
            self._broken = True

    def _check_columns(self, leaf: StoredLeaf) -> None:
        try:
            told = Leaf.of(leaf.record, epoch=int(self.log.rpartition("/")[2]))
        except ValueError:
            self._find("record-changed", f"Record {leaf.seq} cannot be read.", leaf.seq, leaf.id)
            return
        found = (self.log, leaf.id, leaf.event_type, leaf.user_id, leaf.created_at, leaf.correlation_id)
        if found != (told.log, told.id, told.event_type, told.user_id, told.created_at, told.correlation_id):
            self._find("columns-changed", f"The index of record {leaf.seq} was changed.", leaf.seq, leaf.id)

    def _name(self, leaf: StoredLeaf) -> None:
        self._find("record-changed", f"Record {leaf.seq} ({leaf.id}) was changed.", leaf.seq, leaf.id)

    def _find(self, kind: Kind, text: str, seq: int | None = None, id: str | None = None) -> None:
        self.findings.append(Finding(kind, text, self.log, seq, id))


def as_bytes(value: object) -> bytes:
    """A stored value as bytes: SQLite lets someone with the key put text or numbers where bytes were."""
    return value if isinstance(value, bytes) else str(value).encode(errors="surrogateescape")


def _records(start: int, end: int, *, verb: bool = True) -> str:
    """`Record 4 is`, `Records 4 to 6 are`."""
    if end - start <= 1:
        return f"record {start}" + (" is" if verb else "")
    return f"records {start} to {end - 1}" + (" are" if verb else "")
