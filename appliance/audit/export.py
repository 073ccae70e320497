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
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

from appliance.audit.channel import in_session
from appliance.audit.epochs import epoch_of
from appliance.audit.errors import UnknownLog
from appliance.audit.notes import Checkpoint
from appliance.audit.purging import floor_of
from appliance.audit.recorder import sealer_of, signer_of
from appliance.audit.rows import WHOLE, Row, Selection, Source
from appliance.audit.service import LogHead
from appliance.audit.store import present
from appliance.audit.values import LogName, Proven, log_name
from appliance.store import AUDIT, Purpose, Store, TenantId

FORMAT: Final = "outpost-audit-export/1"
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


async def export(
    store: Store,
    tenant_id: TenantId | None,
    out: Path,
    *,
    form: Literal["jsonl", "csv"] = "jsonl",
    selection: Selection = WHOLE,
    disclose: bool = False,
    epoch: int | None = None,
) -> Exported:
    """Write a tenant's log (the node's for None) to `out`, which appears complete or not at all.

    Args:
        disclose: open the personal fields that are still kept.
        epoch: which of the logs; by default the one that is being written.

    Raises:
        UnknownLog: there is no record in it.
        RecordDamaged: a record is missing, so that nothing proves an excerpt.
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
        source = Source(session, log, selection, sealer_of(store) if disclose else None, frontier.size)
        header = _header(LogHead(log, frontier.size, frontier.root(), note), signer.public_key, whole=selection.whole)
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


def excerpt_of(head: LogHead, public_key: bytes, proven: Proven) -> str:
    """An export of one record."""
    row = Row(proven.seq, proven.hash, proven.record, {}, {})
    lines = _header(head, public_key, whole=False), _members(row, [node.hex() for node in proven.proof])
    return b"".join(_line(line) for line in lines).decode()


def _header(head: LogHead, public_key: bytes, *, whole: bool) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "log": head.log,
        "origin": head.note.partition("\n")[0],
        "public_key": public_key.hex(),
        "size": head.size,
        "whole": whole,
        "checkpoint": head.note,
    }


async def _write(draft: Path, out: Path, lines: AsyncIterator[tuple[int, bytes]]) -> int:
    total = 0
    draft.unlink(missing_ok=True)  # of an export that was killed; and what is a link is not followed
    with draft.open("xb") as file:
        async for count, chunk in lines:
            total += count
            await asyncio.to_thread(file.write, chunk)
        await asyncio.to_thread(_force, file)
    await asyncio.to_thread(_name, draft, out)
    return total


def _force(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _name(draft: Path, out: Path) -> None:
    """Give a finished draft its name, durably."""
    draft.rename(out)
    directory = os.open(out.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


async def _jsonl(source: Source, header: dict[str, Any]) -> AsyncIterator[tuple[int, bytes]]:
    proofs, whole = source.proofs(), source.selection.whole
    yield 0, _line(header)
    floor = await floor_of(source.session, header["log"]) if whole else 0
    if floor:
        yield 0, _line({"purged": floor, "frontier": [node.hex() for node in await proofs.frontier(floor)]})
    async for size, note in source.notes():
        line: dict[str, Any] = {"saved": note}
        if not whole or size < floor:
            line["consistency"] = [node.hex() for node in await proofs.consistency(size)]
        yield 0, _line(line)
    async for head in _cosigned(source, floor):
        yield 0, head
    async for rows in source.chunks():
        if whole:
            lines = [_line(_members(row, None)) for row in rows]
        else:
            paths = await proofs.inclusions([row.seq for row in rows])
            lines = [_line(_members(row, [node.hex() for node in path])) for row, path in zip(rows, paths, strict=True)]
        yield len(rows), b"".join(lines)


async def _cosigned(source: Source, floor: int) -> AsyncIterator[bytes]:
    """What witnesses said of the log, behind a line that says who they are."""
    proofs, found = source.proofs(), await source.cosigned()
    if found:
        yield _line({"witnesses": sorted({witness for _, witness, _ in found})})
    for size, _, note in found:
        line: dict[str, Any] = {"witnessed": note}
        if not source.selection.whole or size < floor:
            line["consistency"] = [node.hex() for node in await proofs.consistency(size)]
        yield _line(line)


def _members(row: Row, proof: list[str] | None) -> dict[str, Any]:
    line: dict[str, Any] = {"seq": row.seq, "hash": row.hash.hex(), "record": row.record.decode(errors="replace")}
    if proof is not None:
        line["proof"] = proof
    if row.personal:
        line["personal"] = {
            field: {"salt": salt.hex(), "value": value} for field, (salt, value) in row.personal.items()
        }
    return line


def _line(members: dict[str, Any]) -> bytes:
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


async def _csv(source: Source) -> AsyncIterator[tuple[int, bytes]]:
    yield 0, _cells(COLUMNS)
    async for rows in source.chunks():
        yield len(rows), b"".join(_cells([_cell(row, column) for column in COLUMNS]) for row in rows)


def _cell(row: Row, column: str) -> object:
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
