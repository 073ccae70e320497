"""A log in one file, for people who have neither this node nor an account on it.

`jsonl` is what `packaging/verify_audit.py` checks; its docstring is the format. `csv` is for a spreadsheet and proves
nothing. What has been exported cannot be recalled, so names are only in it when they are asked for.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit.channel import in_session
from appliance.audit.checking import as_bytes
from appliance.audit.errors import UnknownLog
from appliance.audit.notes import Checkpoint
from appliance.audit.recorder import sealer_of, signer_of
from appliance.audit.records import SealedField, Sealer, tenant_of
from appliance.audit.rules import Tree
from appliance.audit.store import present
from appliance.audit.tables import CheckpointRow, LeafRow, PersonalRow
from appliance.audit.values import LogName, log_name
from appliance.errors import Damaged
from appliance.store import AUDIT, Purpose, Store, TenantId

FORMAT: Final = "outpost-audit-export/1"
CHUNK: Final = 500
_FORMULA: Final = re.compile(r"(\A|[;\t\r\n])(?=\s*[=+\-@＝＋－＠])|\A(?=[\t\r\n])")
"""Where a spreadsheet would take a text for a formula and run it: at its beginning, and after what some split cells at."""
COLUMNS: Final = (
    "seq", "id", "created_at", "event_type", "phase", "correlation_id", "user_id", "username", "session_id",
    "resource_type", "resource_id", "model", "tools_used", "request_hash", "result_status", "latency_ms", "policies",
    "pack_version", "metadata", "hash",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: how many records, out of a log of which size and root (hex), and the signed note over it."""

    log: LogName
    records: int
    size: int
    root: str
    note: str
    public_key: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records: an excerpt, unless nothing is set."""

    user_id: str | None = None
    event_type: str | None = None

    @property
    def whole(self) -> bool:
        return self.user_id is None and self.event_type is None


async def export(
    store: Store,
    tenant_id: TenantId | None,
    out: Path,
    *,
    form: Literal["jsonl", "csv"] = "jsonl",
    selection: Selection = Selection(),
    disclose: bool = False,
    epoch: int = 1,
) -> Exported:
    """Write a tenant's log (the node's for None) to `out`, which appears complete or not at all.

    Args:
        disclose: open the personal fields that are still kept.

    Raises:
        UnknownLog: there is no record in it.
        OSError: `out` cannot be written.
    """
    log, signer = log_name(tenant_id, epoch), signer_of(store)
    draft = out.with_name(f".{out.name}.part")
    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        frontier = await in_session(session, partial(present, log=log))
        if frontier.size == 0:
            raise UnknownLog(f"There is no record in {log}.", log=log)
        origin = signer.origin(log)
        note = signer.sign(Checkpoint(origin, frontier.size, frontier.root()))
        source = _Source(session, log, selection, sealer_of(store) if disclose else None, frontier.size)
        header = {
            "format": FORMAT,
            "log": log,
            "origin": origin,
            "public_key": signer.public_key.hex(),
            "size": frontier.size,
            "whole": selection.whole,
            "checkpoint": note,
        }
        lines = _jsonl(source, header) if form == "jsonl" else _csv(source)
        try:
            try:
                written = await _write(draft, out, lines)
            finally:
                draft.unlink(missing_ok=True)
        except OSError as error:
            # Whoever asked named `out`; the draft's name would tell them nothing.
            error.filename, error.filename2 = str(out), None
            raise
    return Exported(log, written, frontier.size, frontier.root().hex(), note, signer.public_key.hex())


async def _write(draft: Path, out: Path, lines: AsyncIterator[tuple[int, bytes]]) -> int:
    total = 0
    with draft.open("wb") as file:
        async for count, chunk in lines:
            total += count
            await asyncio.to_thread(file.write, chunk)
        await asyncio.to_thread(_force, file)
    draft.rename(out)
    return total


def _force(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


@dataclass(frozen=True, slots=True)
class _Row:
    seq: int
    hash: bytes
    record: bytes
    members: dict[str, Any]
    personal: dict[str, tuple[bytes, str]]


class _Source:
    """The rows of one export."""

    def __init__(
        self, session: AsyncSession, log: LogName, selection: Selection, sealer: Sealer | None, size: int
    ) -> None:
        self.selection = selection
        self.size = size
        self._session = session
        self._log = log
        self._sealer = sealer

    async def chunks(self) -> AsyncIterator[Sequence[_Row]]:
        after = -1
        while True:
            query = select(LeafRow).where(LeafRow.log == self._log, LeafRow.seq > after, LeafRow.seq < self.size)
            if self.selection.user_id is not None:
                query = query.where(LeafRow.user_id == self.selection.user_id)
            if self.selection.event_type is not None:
                query = query.where(LeafRow.event_type == self.selection.event_type)
            rows = (await self._session.scalars(query.order_by(LeafRow.seq).limit(CHUNK))).all()
            if not rows:
                return
            kept = await self._kept([row.id for row in rows])
            yield [self._row(row, kept) for row in rows]
            after = rows[-1].seq
            self._session.expunge_all()

    async def notes(self) -> Sequence[tuple[int, str]]:
        query = select(CheckpointRow.size, CheckpointRow.note).where(
            CheckpointRow.log == self._log, CheckpointRow.size < self.size
        )
        return [(row.size, row.note) for row in await self._session.execute(query.order_by(CheckpointRow.size))]

    async def tree(self) -> Tree:
        query = select(LeafRow.hash).where(LeafRow.log == self._log, LeafRow.seq < self.size).order_by(LeafRow.seq)
        return Tree(as_bytes(stored) for stored in await self._session.scalars(query))

    async def _kept(self, ids: Sequence[str]) -> Sequence[PersonalRow]:
        if self._sealer is None:
            return ()
        return (await self._session.scalars(select(PersonalRow).where(PersonalRow.record_id.in_(ids)))).all()

    def _row(self, row: LeafRow, kept: Iterable[PersonalRow]) -> _Row:
        record = as_bytes(row.record)
        try:
            members = json.loads(record)
        except ValueError:
            members = {}  # someone changed it: it is exported as it is, for the verifier to name
        opened = {}
        for each in kept:
            if each.record_id != row.id or self._sealer is None:
                continue
            try:
                opened[each.field] = self._sealer.open(tenant_of(members), row.id, SealedField(each.field, each.sealed))
            except (ValueError, Damaged):
                continue  # altered or erased: there is nothing to disclose
        return _Row(row.seq, as_bytes(row.hash), record, members, opened)


async def _jsonl(source: _Source, header: dict[str, Any]) -> AsyncIterator[tuple[int, bytes]]:
    tree = None if source.selection.whole else await source.tree()
    yield 0, _line(header)
    for size, note in await source.notes():
        proof = {} if tree is None else {"consistency": [node.hex() for node in tree.consistency_proof(size)]}
        yield 0, _line({"saved": note} | proof)
    async for rows in source.chunks():
        yield len(rows), b"".join(_line(_members(row, tree)) for row in rows)


def _members(row: _Row, tree: Tree | None) -> dict[str, Any]:
    line: dict[str, Any] = {"seq": row.seq, "hash": row.hash.hex(), "record": row.record.decode(errors="replace")}
    if tree is not None:
        line["proof"] = [node.hex() for node in tree.inclusion_proof(row.seq)]
    if row.personal:
        line["personal"] = {
            field: {"salt": salt.hex(), "value": value} for field, (salt, value) in row.personal.items()
        }
    return line


def _line(members: dict[str, Any]) -> bytes:
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


async def _csv(source: _Source) -> AsyncIterator[tuple[int, bytes]]:
    yield 0, _cells(COLUMNS)
    async for rows in source.chunks():
        yield len(rows), b"".join(_cells([_cell(row, column) for column in COLUMNS]) for row in rows)


def _cell(row: _Row, column: str) -> object:
    match column:
        case "seq":
            return row.seq
        case "hash":
            return row.hash.hex()
        case "username":
            value: object = row.personal.get("username", (b"", ""))[1]
        case _:
            value = row.members.get(column)
    if isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False)
    return _FORMULA.sub(lambda found: f"{found.group()}'", value) if isinstance(value, str) else value


def _cells(values: Iterable[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue().encode()
