"""A log as a folder of static files that any reader of transparency logs knows (c2sp.org/tlog-tiles).

    checkpoint                     the signed note
    tile/<level>/<N>               256 hashes: of leaves at level 0, of the tiles below otherwise
    tile/<level>/<N>.p/<W>         the last, partial one of a level, W hashes
    tile/entries/<N>[.p/<W>]       the records of a tile of level 0, each behind its length (2 bytes, big-endian)

<N> is written in groups of three digits, x001/x234/067. What was purged has its hashes still, and no entries; the first
entry bundle there is says where the log begins.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit.channel import Transaction, in_session
from appliance.audit.checking import as_bytes
from appliance.audit.epochs import epoch_of
from appliance.audit.errors import RecordDamaged, RecordTooLong, UnknownLog
from appliance.audit.export import Exported
from appliance.audit.notes import Checkpoint
from appliance.audit.proofs import StoredTree
from appliance.audit.purging import floor_of
from appliance.audit.recorder import signer_of
from appliance.audit.rules import TILE
from appliance.audit.store import present
from appliance.audit.tables import LeafRow
from appliance.audit.values import LogName, log_name
from appliance.store import AUDIT, Purpose, Store, TenantId
from appliance.store.files import sync_directory

LONGEST: Final = 2**16 - 1
"""Bytes of an entry whose length is written in two."""


async def export_tiles(store: Store, tenant_id: TenantId | None, out: Path, *, epoch: int | None = None) -> Exported:
    """Write a tenant's log (the node's for None) to the folder `out`, which appears complete or not at all.

    Args:
        epoch: which of the logs; by default the one that is being written.

    Raises:
        UnknownLog: there is no record in it.
        RecordDamaged: a record is missing.
        RecordTooLong: one does not fit the format.
        OSError: `out` cannot be written.
    """
    log = log_name(tenant_id, epoch_of(store.data) if epoch is None else epoch)
    signer = signer_of(store)
    draft = out.with_name(f".{out.name}.part")
    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        frontier = await in_session(session, partial(present, log=log))
        if frontier.size == 0:
            raise UnknownLog(f"There is no record in {log}.", log=log)
        note = signer.sign(Checkpoint(signer.origin(log), frontier.size, frontier.root()))
        try:
            try:
                written = await _write(session, log, frontier.size, note, draft, out)
            finally:
                await asyncio.to_thread(_remove, draft)
        except OSError as error:
            # Whoever asked named `out`; the draft's name would tell them nothing.
            error.filename, error.filename2 = str(out), None
            raise
    return Exported(log, written, frontier.size, frontier.root().hex(), note, signer.public_key.hex())


async def _write(session: AsyncSession, log: LogName, size: int, note: str, draft: Path, out: Path) -> int:
    await asyncio.to_thread(_remove, draft)  # of an export that was killed
    draft.mkdir(mode=0o755)
    records = 0
    async for name, content in _tiles(session, log, size):
        await asyncio.to_thread(_put, draft / name, content)
    async for name, entries in _bundles(session, log, size):
        await asyncio.to_thread(_put, draft / name, b"".join(map(_entry, entries)))
        records += len(entries)
    await asyncio.to_thread(_put, draft / "checkpoint", note.encode())
    await asyncio.to_thread(os.sync)  # thousands of small files: all of them at once
    draft.rename(out)
    sync_directory(out.parent)
    return records


async def _tiles(session: AsyncSession, log: LogName, size: int) -> AsyncIterator[tuple[PurePosixPath, bytes]]:
    tree: StoredTree | None = None
    level, there = 0, size
    while there:
        for place in range(-(-there // TILE)):
            width = min(TILE, there - place * TILE)

            def read(transaction: Transaction, level: int = level, place: int = place) -> bytes:
                nonlocal tree
                tree = (tree or StoredTree(transaction, log, size)).on(transaction)
                return b"".join(tree.hashes(level, place))

            # It may have become full meanwhile.
            yield tile_path(str(level), place, width), (await in_session(session, read))[: 32 * width]
        level, there = level + 1, there // TILE


async def _bundles(
    session: AsyncSession, log: LogName, size: int
) -> AsyncIterator[tuple[PurePosixPath, list[tuple[int, bytes]]]]:
    floor = await floor_of(session, log)
    for place in range(floor // TILE, -(-size // TILE)):
        start, end = place * TILE, min(size, (place + 1) * TILE)
        query = select(LeafRow.seq, LeafRow.record).where(LeafRow.log == log, LeafRow.seq >= start, LeafRow.seq < end)
        rows = (await session.execute(query.order_by(LeafRow.seq))).all()
        if [row.seq for row in rows] != list(range(start, end)):
            raise RecordDamaged(f"A record between {start} and {end - 1} of log {log} is missing.", log=log)
        yield tile_path("entries", place, end - start), [(row.seq, as_bytes(row.record)) for row in rows]


def tile_path(level: str, place: int, width: int) -> PurePosixPath:
    """Where a tile or a bundle stands, from the folder of the log on."""
    digits = f"{place:03}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = PurePosixPath("tile", level, *(f"x{group}" for group in groups[:-1]), groups[-1])
    return path if width == TILE else path.with_name(f"{path.name}.p") / str(width)


def _entry(numbered: tuple[int, bytes]) -> bytes:
    seq, record = numbered
    if len(record) > LONGEST:
        raise RecordTooLong(f"Record {seq} has {len(record)} bytes.", seq=seq)
    return len(record).to_bytes(2, "big") + record


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(content)


def _remove(draft: Path) -> None:
    """Whatever stands there; what is a link is not followed."""
    if draft.is_symlink() or draft.is_file():
        draft.unlink()
    elif draft.exists():
        shutil.rmtree(draft)
