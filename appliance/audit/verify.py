"""Is the record what it was? Reads everything, changes nothing, needs no account. `checking` says what it can tell."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Row, Select, func, select
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit.checking import Finding, LogCheck, Mark, StoredLeaf, as_bytes
from appliance.audit.cosigning import WitnessKey, cosignatures
from appliance.audit.errors import ForgedCosignature, MalformedNote, MalformedWitnessKey
from appliance.audit.heads import HEAD_FILE, HeadFile, Heads
from appliance.audit.notes import Signer, verified
from appliance.audit.recorder import sealer_of, signer_of
from appliance.audit.records import SealedField, Sealer, commitment, tenant_of
from appliance.audit.rules import TILE, Frontier, Tree, leaf_hash
from appliance.audit.tables import CheckpointRow, LeafRow, PersonalRow, PurgedRow, TileRow
from appliance.audit.values import LogName
from appliance.audit.witnessed import of_log
from appliance.errors import Damaged
from appliance.store import AUDIT, Purpose, Store
from appliance.store.pages import bad_pages

CHUNK: Final = 1000


@dataclass(frozen=True, slots=True)
class LogReport:
    """One log: how long it is, its root, and what is wrong with it.

    `saved` is the size its newest saved head covers, `witnessed` the size of the largest that a trusted witness cosigned.
    """

    log: LogName
    size: int
    root: str
    saved: int
    witnessed: int
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        return not self.findings


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The record of one node. `findings` are those that belong to no single log."""

    node_id: str
    public_key: str
    logs: tuple[LogReport, ...]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        return not self.findings and all(log.ok for log in self.logs)

    def every_finding(self) -> list[Finding]:
        return [*self.findings, *(finding for log in self.logs for finding in log.findings)]


async def verify(store: Store) -> VerifyReport:
    """Check every log against its hashes, its checkpoints and the head file; a running node may go on recording.

    Damage is reported, not raised.
    """
    signer, sealer = signer_of(store), sealer_of(store)
    # Before the database is read: a head may not be newer than what is read afterwards.
    file = HeadFile(store.data / HEAD_FILE, node_id=signer.node_id, public_key=signer.public_key)
    heads = await asyncio.to_thread(file.read)
    reports: list[LogReport] = []
    findings = list(_about_the_file(heads))
    try:
        async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
            await _check_pages(session)
            for log in await _logs(session, heads):
                # One by one, so that what was checked before the damage is still told.
                reports.append(await _check_log(session, log, heads, signer, sealer))  # noqa: PERF401
            if not heads.present and reports:
                findings.append(Finding("head-missing", f"The head file {HEAD_FILE} is missing."))
    except (Damaged, DatabaseError) as error:
        reason = error.detail if isinstance(error, Damaged) else "The audit file cannot be read."
        findings.append(Finding("file-damaged", f"The file of the record is damaged. {reason}"))
    return VerifyReport(signer.node_id, signer.public_key.hex(), tuple(reports), tuple(findings))


def _about_the_file(heads: Heads) -> Iterable[Finding]:
    if heads.damaged:
        yield Finding("head-damaged", f"{heads.damaged} lines of {HEAD_FILE} are not as this node wrote them.")


async def _check_pages(session: AsyncSession) -> None:
    """Authenticate every page of an encrypted file, also those that no row needs.

    Raises:
        Damaged: one does not authenticate.
    """
    if bad := await bad_pages(session):
        raise Damaged(f"{len(bad)} of its pages are not as they were written, the first: {bad[0]}.")


async def _logs(session: AsyncSession, heads: Heads) -> Sequence[LogName]:
    found = set((await session.scalars(select(LeafRow.log).distinct())).all())
    found |= set((await session.scalars(select(CheckpointRow.log).distinct())).all())
    found |= set(heads.latest) | {head.log for head in heads.disputed}
    return sorted(LogName(log) for log in found)


async def _check_log(session: AsyncSession, log: LogName, heads: Heads, signer: Signer, sealer: Sealer) -> LogReport:
    findings: list[Finding] = []
    marks: list[Mark] = []
    for saved in await session.scalars(select(CheckpointRow).where(CheckpointRow.log == log)):
        mark = _mark(saved, signer)
        if mark is None:
            findings.append(
                Finding("checkpoint-changed", f"The saved checkpoint at {saved.size} records was changed.", log)
            )
        else:
            marks.append(mark)
    if log in heads.latest:
        checkpoint = heads.latest[log].checkpoint
        marks.append(Mark(checkpoint.size, checkpoint.root, "head"))
    elif heads.present:
        findings.append(Finding("head-missing", f"The head file {HEAD_FILE} does not know this log.", log))
    marks += [Mark(h.checkpoint.size, h.checkpoint.root, "disputed") for h in heads.disputed if h.log == log]
    cosigned = await _cosigned(session, log, signer)
    findings += [found for found in cosigned if isinstance(found, Finding)]
    marks += [mark for mark in cosigned if isinstance(mark, Mark)]
    check = LogCheck(log, marks)
    gone = await session.scalar(select(func.max(PurgedRow.size)).where(PurgedRow.log == log)) or 0
    tiles = Tiles(log)
    for place in range(gone // TILE):
        tile = as_bytes(await session.scalar(_tile(log, 0, place)))
        check.purged([tile])
        await tiles.take(session, [tile[at : at + 32] for at in range(0, len(tile), 32)])
    async for rows in _leaves(session, log):
        for row in rows:
            leaf = _stored(row)
            check.add(leaf)
            await tiles.take(session, [leaf.hash])
        findings.extend(await _check_personal(session, log, rows, sealer))
    check.finish()
    newest = max((mark.size for mark in marks), default=0)
    # What is wrong with the leaves is named; that the tiles differ from them then says nothing more.
    wrong = check.findings or tiles.findings[:1]
    witnessed = max((mark.size for mark in marks if mark.source == "witnessed"), default=0)
    return LogReport(log, check.size, check.root().hex(), newest, witnessed, (*findings, *wrong))


async def _cosigned(session: AsyncSession, log: LogName, signer: Signer) -> list[Mark | Finding]:
    """The heads that trusted witnesses cosigned; whatever was put beside them is found."""
    marks: list[Mark | Finding] = []
    for size, witness, note in (await session.execute(of_log(log))).all():
        try:
            checkpoint = verified(note, signer.public_key, origin=signer.origin(log))
            given = cosignatures(note, checkpoint, [WitnessKey.parse(witness)])
        except (MalformedNote, ForgedCosignature, MalformedWitnessKey, AttributeError):
            given = []
        if not given or checkpoint.size != size:
            marks.append(Finding("cosignature-changed", f"A cosignature of {size} records was changed.", log))
        else:
            marks.append(Mark(checkpoint.size, checkpoint.root, "witnessed"))
    return marks


def _tile(log: LogName, level: int, place: int) -> Select[bytes]:
    return select(TileRow.hashes).where(TileRow.log == log, TileRow.level == level, TileRow.place == place)


class Tiles:
    """Compares the tiles of a log with the hashes that its records have, in order."""

    def __init__(self, log: LogName) -> None:
        self.findings: list[Finding] = []
        self._log = log
        self._levels: list[list[bytes]] = []
        self._places: list[int] = []

    async def take(self, session: AsyncSession, hashes: Sequence[bytes], level: int = 0) -> None:
        """The next hashes of a level."""
        if len(self._levels) == level:
            self._levels.append([])
            self._places.append(0)
        for one in hashes:
            self._levels[level].append(one)
            if len(self._levels[level]) < TILE:
                continue
            full, self._levels[level] = self._levels[level], []
            place, self._places[level] = self._places[level], self._places[level] + 1
            query = select(TileRow.root, TileRow.hashes).where(
                TileRow.log == self._log, TileRow.level == level, TileRow.place == place
            )
            row = (await session.execute(query)).one_or_none()
            root = Tree(full).root()
            if row is None or as_bytes(row.hashes) != b"".join(full) or as_bytes(row.root) != root:
                text = f"Tile {place} of level {level} is not that of its records."
                self.findings.append(Finding("tile-changed", text, self._log, place * TILE ** (level + 1)))
            await self.take(session, [root], level + 1)


def _mark(row: CheckpointRow, signer: Signer) -> Mark | None:
    try:
        checkpoint = verified(row.note, signer.public_key, origin=signer.origin(row.log))
        frontier = Frontier.from_bytes(row.size, row.frontier)
    except (MalformedNote, ValueError, TypeError, AttributeError):
        return None
    if checkpoint.size != row.size or frontier.root() != checkpoint.root:
        return None
    return Mark(checkpoint.size, checkpoint.root, "checkpoint")


Rows = Sequence[Row[int, str, bytes, bytes, str, str | None, str, str | None]]


async def _leaves(session: AsyncSession, log: LogName) -> AsyncIterator[Rows]:
    after = -1
    columns = (
        LeafRow.seq,
        LeafRow.id,
        LeafRow.hash,
        LeafRow.record,
        LeafRow.event_type,
        LeafRow.user_id,
        LeafRow.created_at,
        LeafRow.correlation_id,
    )
    while True:
        query = select(*columns).where(LeafRow.log == log, LeafRow.seq > after).order_by(LeafRow.seq).limit(CHUNK)
        rows = (await session.execute(query)).all()
        if not rows:
            return
        yield rows
        after = rows[-1].seq


def _stored(row: Row[int, str, bytes, bytes, str, str | None, str, str | None]) -> StoredLeaf:
    """A row as it is found, whatever stands in it."""
    return StoredLeaf(
        seq=row.seq if isinstance(row.seq, int) else -1,
        id=row.id,
        hash=as_bytes(row.hash)[:32].ljust(32, b"\0"),
        record=as_bytes(row.record),
        event_type=row.event_type,
        user_id=row.user_id,
        created_at=row.created_at,
        correlation_id=row.correlation_id,
    )


async def _check_personal(session: AsyncSession, log: LogName, rows: Rows, sealer: Sealer) -> list[Finding]:
    """Compare the personal fields that are still kept with what the records commit to; erased ones leave no trace."""
    by_id = {row.id: row for row in rows}
    kept = await session.scalars(select(PersonalRow).where(PersonalRow.record_id.in_(by_id)))
    findings = []
    for personal in kept:
        row = by_id[personal.record_id]
        if leaf_hash(as_bytes(row.record)) != row.hash:
            continue  # what it commits to is not known any more, and it has been named
        try:
            record = json.loads(row.record)
            salt, value = sealer.open(
                tenant_of(record), personal.record_id, SealedField(personal.field, personal.sealed)
            )
            same = record["personal"].get(personal.field) == commitment(salt, personal.field, value)
        except (ValueError, KeyError, TypeError):
            same = False
        except Damaged:
            continue  # the tenant's key was destroyed, and these fields with it
        if not same:
            findings.append(
                Finding(
                    "personal-changed",
                    f"The {personal.field} kept beside record {row.seq} was changed.",
                    log,
                    row.seq,
                    row.id,
                )
            )
    return findings
