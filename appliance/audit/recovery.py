"""What a start owes to a crash, before anything is admitted, in this order.

1  which instances are dead          (their locks are free; nobody else's work is touched)
2  relay every outbox                (what they committed gets its own post-record)
3  close what is still open          `aborted`  work on our own database, which was rolled back
                                     `unknown`  work with outside effects
4  compare the head file with the log; a lost tail is written into the node's log and kept in the head file

No step is undone by a crash within it, and each may be repeated.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy import select

from appliance.audit.channel import in_session
from appliance.audit.heads import Heads, SavedHead
from appliance.audit.recorder import Recorder
from appliance.audit.records import tenant_of
from appliance.audit.store import root_at
from appliance.audit.tables import CheckpointRow, LeafRow, OpenRow
from appliance.audit.values import NewRecord
from appliance.store import AUDIT, Purpose, Store, new_id

_CLOSING: Final = uuid.UUID("5b0f9a52-3c39-4d52-9d5b-0a5a2d7f6c11")
"""The name space of closing records: two starters at once write the same id, so only one of them counts."""

HEAD_MISMATCH: Final = "audit.head_mismatch"


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a start found: records relayed from outboxes, pre-records closed, and heads that the log no longer has."""

    relayed: int
    closed: int
    disputed: tuple[SavedHead, ...]


async def recover(store: Store, recorder: Recorder) -> Recovered:
    """Do all four steps. Safe while other processes record, and when it is itself interrupted.

    Raises:
        RecordUnavailable, RecordDamaged: the record cannot be brought in order; the node must not start.
    """
    disputed = await check_heads(store, recorder)
    relayed, closed = await close_dangling(store, recorder)
    return Recovered(relayed, closed, disputed)


async def close_dangling(store: Store, recorder: Recorder) -> tuple[int, int]:
    """Relay every outbox, then write the missing post-records of dead processes: how many of each."""
    dead = await _open_of_the_dead(store, recorder)
    relayed = await recorder.relay(None)
    for tenant in await store.tenants():
        relayed += await recorder.relay(tenant.id)
    still_open = {row.correlation_id for row in await _open_of_the_dead(store, recorder)}
    owed = [row for row in dead if row.correlation_id in still_open]
    await recorder.append_once([recorder.leaf(_closing(row.record, outside=row.outside)) for row in owed])
    recorder.instance.sweep()
    return relayed, len(owed)


@dataclass(frozen=True, slots=True)
class _Open:
    correlation_id: str
    outside: bool
    record: bytes


async def _open_of_the_dead(store: Store, recorder: Recorder) -> list[_Open]:
    async with store.open_internal(Purpose.RECOVERY, AUDIT) as session:
        query = select(OpenRow.correlation_id, OpenRow.outside, OpenRow.instance, LeafRow.record).join(
            LeafRow, LeafRow.id == OpenRow.record_id
        )
        rows = (await session.execute(query.order_by(LeafRow.log, LeafRow.seq))).all()
    alive: dict[str, bool] = {}
    for row in rows:
        if row.instance not in alive:
            alive[row.instance] = recorder.instance.is_alive(row.instance)
    return [_Open(row.correlation_id, row.outside, row.record) for row in rows if not alive[row.instance]]


def _closing(pre: bytes, *, outside: bool) -> NewRecord:
    """The post-record that nobody lived to write."""
    record: Mapping[str, Any] = json.loads(pre)
    return NewRecord(
        id=uuid.uuid5(_CLOSING, record["correlation_id"]),
        tenant_id=tenant_of(record),
        event_type=record["event_type"],
        phase="post",
        correlation_id=uuid.UUID(record["correlation_id"]),
        user_id=_uuid(record["user_id"]),
        session_id=_uuid(record["session_id"]),
        resource_type=record["resource_type"],
        resource_id=record["resource_id"],
        request_hash=record["request_hash"],
        result_status="unknown" if outside else "aborted",
        actor_kind=record["actor"]["kind"],
        role=record["actor"]["role"],
        metadata={"closed_by": "recovery"},
        outside=outside,
    )


async def check_heads(store: Store, recorder: Recorder) -> tuple[SavedHead, ...]:
    """Compare the head file with the logs, write down what does not fit, and bring the file up to date."""
    saved = recorder.heads.read()
    lost, logs = await _compare(store, saved)
    missing = not saved.present and logs > 0
    if lost or saved.damaged or missing:
        # The evidence goes to the log and the file together; the log first, because it can say when.
        await recorder.append(_mismatch(lost, saved, missing=missing))
        heads = await recorder.save_heads()
        recorder.heads.restart({log: head.note for log, head in heads.items()}, disputed=[*saved.disputed, *lost])
    else:
        await recorder.save_heads()
    return tuple(lost)


async def _compare(store: Store, saved: Heads) -> tuple[list[SavedHead], int]:
    """The saved heads that the stored leaves do not reach or do not match, and the number of stored logs."""
    lost = []
    async with store.open_internal(Purpose.RECOVERY, AUDIT) as session:
        for head in saved.latest.values():
            log, checkpoint = head.log, head.checkpoint
            root = await in_session(session, partial(root_at, log=log, size=checkpoint.size))
            if root != checkpoint.root:
                lost.append(head)
        logs = (await session.scalars(select(CheckpointRow.log).distinct())).all()
    return lost, len(logs)


def _mismatch(lost: Sequence[SavedHead], saved: Heads, *, missing: bool) -> NewRecord:
    return NewRecord(
        tenant_id=None,
        event_type=HEAD_MISMATCH,
        phase="single",
        correlation_id=new_id(),
        user_id=None,
        result_status="error",
        actor_kind="service",
        metadata={
            "lost": [
                {"log": head.log, "size": head.checkpoint.size, "root": head.checkpoint.root.hex()} for head in lost
            ],
            "damaged_lines": saved.damaged,
            "head_file_missing": missing,
        },
    )


def _uuid(text: str | None) -> uuid.UUID | None:
    return None if text is None else uuid.UUID(text)
