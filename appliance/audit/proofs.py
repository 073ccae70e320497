"""Proofs out of a stored log: from its full tiles, and at the right edge from what is not yet in one.

A proof reads a tile for every eight levels of the tree and at most 255 hashes a level at the edge, however long the log.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final, TypeVar

from sqlalchemy import bindparam, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit.channel import Transaction, in_session
from appliance.audit.checking import as_bytes
from appliance.audit.errors import RecordDamaged
from appliance.audit.rules import TILE, Proving, Tree
from appliance.audit.tables import LeafRow, TileRow
from appliance.audit.values import LogName

T = TypeVar("T")
LEVELS: Final = TILE.bit_length() - 1
KEPT: Final = 6
"""Tiles in memory; an excerpt asks for the same ones again and again."""

_TILE: Final = select(TileRow.hashes).where(
    TileRow.log == bindparam("log"), TileRow.level == bindparam("level"), TileRow.place == bindparam("place")
)
_ROOTS: Final = (
    select(TileRow.place, TileRow.root)
    .where(
        TileRow.log == bindparam("log"),
        TileRow.level == bindparam("level"),
        TileRow.place >= bindparam("start"),
        TileRow.place < bindparam("end"),
    )
    .order_by(TileRow.place)
)
_LEAVES: Final = (
    select(LeafRow.seq, LeafRow.hash)
    .where(LeafRow.log == bindparam("log"), LeafRow.seq >= bindparam("start"), LeafRow.seq < bindparam("end"))
    .order_by(LeafRow.seq)
)
_ADD_TILE: Final = insert(TileRow)


class StoredTree(Proving):
    """The tree of the first `size` records of a log, as it stands in the database. Its methods raise RecordDamaged."""

    def __init__(self, transaction: Transaction, log: LogName, size: int) -> None:
        self._transaction, self._log, self._size = transaction, log, size
        self._tiles: dict[tuple[int, int], Tree] = {}

    @property
    def size(self) -> int:
        return self._size

    def on(self, transaction: Transaction) -> StoredTree:
        """The same tree, read in another transaction on the same log."""
        self._transaction = transaction
        return self

    def node(self, level: int, index: int) -> bytes:
        high, low = divmod(level, LEVELS)
        place, inside = divmod(index, TILE >> low)
        return self._tile(high, place).node(low, inside)

    def _tile(self, level: int, place: int) -> Tree:
        key = level, place
        tile = self._tiles.pop(key, None) or Tree(self.hashes(level, place))
        while len(self._tiles) >= KEPT:
            self._tiles.pop(next(iter(self._tiles)))
        self._tiles[key] = tile  # the last one asked for is the last to go
        return tile

    def hashes(self, level: int, place: int) -> Sequence[bytes]:
        """Those of a tile, as many of them as are there."""
        rows = self._transaction.rows(_TILE, log=self._log, level=level, place=place)
        if not rows:
            there = self._size // TILE**level  # complete subtrees of this height
            return below(self._transaction, self._log, level, place * TILE, min(there, (place + 1) * TILE))
        raw = as_bytes(rows[0][0])
        if len(raw) != 32 * TILE:
            raise RecordDamaged(f"Tile {place} of log {self._log} was changed.", log=self._log)
        return [raw[at : at + 32] for at in range(0, len(raw), 32)]


class Proofs:
    """What proves the records of one log to a reader with a session."""

    def __init__(self, session: AsyncSession, log: LogName, size: int) -> None:
        self._session, self._log, self.size = session, log, size
        self._tree: StoredTree | None = None

    async def root(self) -> bytes:
        return await in_session(self._session, lambda transaction: self._on(transaction).root())

    async def inclusion(self, seq: int) -> list[bytes]:
        """That record `seq` is one of the first `size`. Raises ValueError if it is not, RecordDamaged."""
        return (await self.inclusions([seq]))[0]

    async def inclusions(self, places: Sequence[int]) -> list[list[bytes]]:
        """The same of several."""

        def work(transaction: Transaction) -> list[list[bytes]]:
            tree = self._on(transaction)
            return [tree.inclusion_proof(seq) for seq in places]

        return await in_session(self._session, work)

    async def consistency(self, old: int) -> list[bytes]:
        """That the first `old` records are still the first of `size`. Raises ValueError if there are fewer, RecordDamaged."""
        return await in_session(self._session, lambda transaction: self._on(transaction).consistency_proof(old))

    async def frontier(self, size: int) -> tuple[bytes, ...]:
        """The complete subtrees of the first `size` records."""
        return (await in_session(self._session, lambda transaction: self._on(transaction).frontier(size))).peaks

    def _on(self, transaction: Transaction) -> StoredTree:
        if self._tree is None:
            self._tree = StoredTree(transaction, self._log, self.size)
        return self._tree.on(transaction)


def below(transaction: Transaction, log: LogName, level: int, start: int, end: int) -> Sequence[bytes]:
    """The hashes [start, end) of a level: of leaves at 0, of the tiles below otherwise. Raises RecordDamaged."""
    if level:
        rows = transaction.rows(_ROOTS, log=log, level=level - 1, start=start, end=end)
    else:
        rows = transaction.rows(_LEAVES, log=log, start=start, end=end)
    for place in range(start, end):
        if place - start >= len(rows) or rows[place - start][0] != place:
            seq = place * TILE**level
            raise RecordDamaged(f"Record {seq} of log {log} is missing.", log=log, seq=seq)
    return [as_bytes(row[1]) for row in rows]


def fill(transaction: Transaction, log: LogName, old: int, new: int) -> None:
    """Keep the tiles that became full while a log grew from `old` records to `new`, from the lowest up."""
    for level in range(64 // LEVELS):
        span = TILE ** (level + 1)
        if old // span == new // span:
            return
        add = partial(_row, transaction, log, level)
        transaction.many(_ADD_TILE, [add(place) for place in range(old // span, new // span)])


def _row(transaction: Transaction, log: LogName, level: int, place: int) -> dict[str, object]:
    hashes = below(transaction, log, level, place * TILE, (place + 1) * TILE)
    return {
        "log": log, "level": level, "place": place, "root": Tree(hashes).root(), "hashes": b"".join(hashes),
    }  # fmt: skip


def tiles(transaction: Transaction, log: LogName, level: int) -> Iterator[tuple[int, bytes]]:
    """The full tiles of a level, in order, read one by one."""
    place = 0
    while rows := transaction.rows(_TILE, log=log, level=level, place=place):
        yield place, as_bytes(rows[0][0])
        place += 1
