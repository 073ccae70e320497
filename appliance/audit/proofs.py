"""Proofs out of a stored log: its leaves are read once and in order, and one tile of them again for each proof."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit.checking import as_bytes
from appliance.audit.errors import RecordDamaged
from appliance.audit.rules import TILE, Tiles, Tree, consistency_from_tile, inclusion_from_tile
from appliance.audit.tables import LeafRow
from appliance.audit.values import LogName

CHUNK: Final = 16 * TILE


class Proofs:
    """What proves the records of one log, in the tree of as many as it has been grown to."""

    def __init__(self, log: LogName) -> None:
        self._log = log
        self._tiles = Tiles()
        self._upper = Tree()
        self._tile: tuple[int, Sequence[bytes]] = (-1, ())

    @property
    def size(self) -> int:
        return self._tiles.size

    def root(self) -> bytes:
        return self._upper.root()

    async def grow(self, session: AsyncSession, size: int) -> None:
        """Read on up to `size` records.

        Raises:
            RecordDamaged: one of them is missing.
        """
        while self.size < size:
            self._tiles.extend(await self._leaves(session, self.size, min(size, self.size + CHUNK)))
        self._upper = self._tiles.upper()
        self._tile = (-1, ())

    async def inclusion(self, session: AsyncSession, seq: int) -> list[bytes]:
        """That record `seq` is one of the first `size`. Raises ValueError if it is not."""
        return inclusion_from_tile(self._upper, seq, await self._tile_of(session, seq))

    async def consistency(self, session: AsyncSession, old: int) -> list[bytes]:
        """That the first `old` records are still the first of `size`. Raises ValueError if there are fewer."""
        tile = await self._tile_of(session, old) if old % TILE and old < self.size else ()
        return consistency_from_tile(self._upper, old, self.size, tile)

    async def _tile_of(self, session: AsyncSession, seq: int) -> Sequence[bytes]:
        if self._tile[0] != seq // TILE:
            start = seq // TILE * TILE
            self._tile = (seq // TILE, await self._leaves(session, start, min(start + TILE, self.size)))
        return self._tile[1]

    async def _leaves(self, session: AsyncSession, start: int, end: int) -> Sequence[bytes]:
        query = select(LeafRow.seq, LeafRow.hash).where(
            LeafRow.log == self._log, LeafRow.seq >= start, LeafRow.seq < end
        )
        rows = (await session.execute(query.order_by(LeafRow.seq))).all()
        for place, row in enumerate(rows, start):
            if row.seq != place:
                raise RecordDamaged(f"Record {place} of log {self._log} is missing.", log=self._log, seq=place)
        if len(rows) < end - start:
            missing = start + len(rows)
            raise RecordDamaged(f"Record {missing} of log {self._log} is missing.", log=self._log, seq=missing)
        return [as_bytes(row.hash) for row in rows]
