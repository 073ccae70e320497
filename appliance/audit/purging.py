"""Retention: whole closed segments of old records go, and everything that proves the rest stays.

    records   0 ........ 255 | 256 ....... 511 | 512 ....... 767 | 768 ...
    tiles     kept           | kept            | kept            |
    purge     ^ gone                           ^ from here on: the first segment with a record that is too young,
                                                 on hold, or whose work has not ended

A segment is a full tile of 256 records. What is left of it is its hashes: every proof of the records that remain, and that
old heads are part of the log, is still made. Segments go in one transaction each few; the floor, a row that the database
itself demands before it lets go of a record, is written with them. So a purge that is killed has gone so far and no farther.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit.channel import Transaction, in_session
from appliance.audit.checking import as_bytes
from appliance.audit.recorder import Recorder
from appliance.audit.records import moment
from appliance.audit.rules import TILE
from appliance.audit.tables import CheckpointRow, LeafRow, OpenRow, PurgedRow
from appliance.audit.values import LogName, log_name
from appliance.store import AUDIT, Purpose, Store, TenantId

SEGMENTS: Final = 8
"""Segments in one transaction: a writer holds the file for at most about 50 ms."""
GAP: Final = dt.timedelta(days=366)
"""A node that records every quarter of an hour has no such gap: the clock was set forward, or stood still."""

_FLOOR: Final = select(func.max(PurgedRow.size)).where(PurgedRow.log == bindparam("log"))
_SAVED: Final = select(func.max(CheckpointRow.size)).where(CheckpointRow.log == bindparam("log"))
_LAST: Final = select(func.max(LeafRow.seq)).where(LeafRow.log == bindparam("log"))
_OPEN: Final = (
    select(func.min(LeafRow.seq)).join(OpenRow, OpenRow.record_id == LeafRow.id).where(LeafRow.log == bindparam("log"))
)
_OLD: Final = (
    select(LeafRow.seq, LeafRow.created_at, LeafRow.user_id, LeafRow.correlation_id, LeafRow.record)
    .where(LeafRow.log == bindparam("log"), LeafRow.seq >= bindparam("start"), LeafRow.seq < bindparam("end"))
    .order_by(LeafRow.seq)
)
_TIMES: Final = (
    select(LeafRow.created_at).where(LeafRow.log == bindparam("log"), LeafRow.seq % TILE == 0).order_by(LeafRow.seq)
)


@dataclass(frozen=True, slots=True)
class Old:
    """A record whose time may be over."""

    seq: int
    at: dt.datetime
    user_id: str | None
    correlation_id: str | None
    record: bytes


Keeps = Callable[[Old], bool]
"""Whether something else than its age keeps a record."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a purge may go: records [floor, end) are over; `kept` says what stopped it before the cutoff, if anything did."""

    floor: int
    end: int
    kept: int | None = None


async def floor_of(session: AsyncSession, log: LogName) -> int:
    """How many records of a log have been purged."""
    return await in_session(session, partial(_floor, log=log))


async def reach(
    store: Store, tenant_id: TenantId, *, before: dt.datetime, keeps: Keeps, epoch: int = 1, most: int | None = None
) -> Reach:
    """What a purge of a tenant's log would remove now; of at most `most` segments."""
    log = log_name(tenant_id, epoch)
    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        limits = await in_session(session, partial(_limits, log=log))
        floor = end = limits.floor
        last = limits.end if most is None else min(limits.end, floor + most * TILE)
        while end < last:
            rows = await in_session(session, partial(_segment, log=log, start=end))
            if len(rows) < TILE or rows[-1].at >= before or any(one.at >= before for one in rows):
                return Reach(floor, end)
            held = next((one.seq for one in rows if keeps(one)), None)
            if held is not None:
                return Reach(floor, end, kept=held)
            end += TILE
        return Reach(floor, end)


async def purge(recorder: Recorder, tenant_id: TenantId, end: int, *, before: dt.datetime, now: dt.datetime) -> int:
    """Remove the records of a tenant's log before place `end`; how many there were. Nothing or all of them go.

    Raises:
        RecordUnavailable: the database refused, because one of them is not old, or could not write.
    """
    values = {"log": log_name(tenant_id, recorder.epoch), "size": end, "before": moment(before), "at": moment(now)}
    return await recorder.purge(values)


async def steady(store: Store, tenant_id: TenantId, epoch: int = 1) -> bool:
    """Whether the clock went its way while the tenant's log grew: no year lies between two records that are 256 apart."""
    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        log = log_name(tenant_id, epoch)
        times = await in_session(session, lambda transaction: _moments(transaction.rows(_TIMES, log=log)))
    return all(later - earlier <= GAP for earlier, later in itertools.pairwise(times))


def _floor(transaction: Transaction, log: LogName) -> int:
    return int(transaction.rows(_FLOOR, log=log)[0][0] or 0)


def _limits(transaction: Transaction, log: LogName) -> Reach:
    """The floor, and the end of the last segment that is closed: behind it stand a record, a checkpoint, and no open work."""
    floor = _floor(transaction, log)
    ends = [transaction.rows(query, log=log)[0][0] for query in (_SAVED, _LAST)]
    still_open = transaction.rows(_OPEN, log=log)[0][0]
    end = min([int(one or 0) for one in ends] + ([] if still_open is None else [int(still_open)]))
    return Reach(floor, max(floor, end // TILE * TILE))


def _segment(transaction: Transaction, log: LogName, start: int) -> Sequence[Old]:
    rows = transaction.rows(_OLD, log=log, start=start, end=start + TILE)
    return [Old(int(row[0]), _moment(row[1]), row[2], row[3], as_bytes(row[4])) for row in rows]


def _moments(rows: Sequence[Sequence[Any]]) -> list[dt.datetime]:
    return [_moment(row[0]) for row in rows]


def _moment(text: Any) -> dt.datetime:
    """When a record was made; one that does not say it is too young for ever, and the verifier names it."""
    try:
        return dt.datetime.fromisoformat(str(text)).astimezone(dt.UTC)
    except ValueError:
        return dt.datetime.max.replace(tzinfo=dt.UTC)
