"""Reading the record: a page of one tenant's log for those who may see it, and the head they can take away."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Select, select

from appliance.audit.channel import in_session
from appliance.audit.notes import Checkpoint
from appliance.audit.recorder import Recorder
from appliance.audit.records import SealedField, moment, tenant_of
from appliance.audit.store import present
from appliance.audit.tables import LeafRow, PersonalRow
from appliance.audit.values import Entry, LogName, log_name
from appliance.errors import Damaged
from appliance.store import AUDIT, Admitted, Purpose, Store, TenantId

READ_ALL = "audit.read_all"
READ_OWN = "audit.read_own"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records: all conditions that are set, newest first, from the place before `before`."""

    event_type: str | None = None
    user_id: str | None = None
    after: dt.datetime | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class LogHead:
    """Where a log stands now, and the signed note that says so."""

    log: LogName
    size: int
    root: bytes
    note: str


class AuditLog:
    """The logs, read. A reader sees the log of its own tenant and nothing else."""

    def __init__(self, store: Store, recorder: Recorder) -> None:
        self._store = store
        self._recorder = recorder

    async def page(self, admitted: Admitted, wanted: Wanted, *, limit: int) -> list[Entry]:
        """At most `limit` records of the admitted tenant; unless `audit.read_all` was admitted, only their own."""
        log = log_name(admitted.tenant_id, self._recorder.epoch)
        user_id = wanted.user_id if admitted.action == READ_ALL else str(admitted.principal.id)
        async with self._store.open_internal(Purpose.RECORD, AUDIT) as session:
            rows = (await session.scalars(_newest(log, wanted, user_id).limit(limit))).all()
            query = select(PersonalRow).where(PersonalRow.record_id.in_([row.id for row in rows]))
            kept = (await session.scalars(query)).all()
        entries = []
        for row in rows:
            record = json.loads(row.record)
            own = [SealedField(each.field, each.sealed) for each in kept if each.record_id == row.id]
            entries.append(Entry(log, row.seq, row.hash, record, self._opened(record, own)))
        return entries

    async def decisions(self, admitted: Admitted, limit: int) -> list[Mapping[str, Any]]:
        """The last decisions of the admitted tenant, allowed and refused, the newest first; nothing personal is opened."""
        log = log_name(admitted.tenant_id, self._recorder.epoch)
        query = select(LeafRow.record).where(LeafRow.log == log).order_by(LeafRow.seq.desc())
        async with self._store.open_internal(Purpose.RECORD, AUDIT) as session:
            # Of each decision there are at most two records, and a few others stand between.
            read = [json.loads(record) for record in await session.scalars(query.limit(limit * 3))]
        return [record for record in read if record["phase"] in {"pre", "single"} and "action" in record["metadata"]][
            :limit
        ]

    async def head(self, tenant_id: TenantId | None) -> LogHead:
        """The present head of a tenant's log (of the node's for None), freshly signed."""
        log = log_name(tenant_id, self._recorder.epoch)
        async with self._store.open_internal(Purpose.RECORD, AUDIT) as session:
            frontier = await in_session(session, partial(present, log=log))
        signer = self._recorder.signer
        note = signer.sign(Checkpoint(signer.origin(log), frontier.size, frontier.root()))
        return LogHead(log, frontier.size, frontier.root(), note)

    def _opened(self, record: Mapping[str, Any], kept: Sequence[SealedField]) -> dict[str, str]:
        """The personal fields that have not been erased."""
        opened = {}
        for each in kept:
            try:
                _, opened[each.field] = self._recorder.sealer.open(tenant_of(record), record["id"], each)
            except (ValueError, Damaged):
                continue  # altered, or its key destroyed: the verifier tells which
        return opened


def _newest(log: LogName, wanted: Wanted, user_id: str | None) -> Select[LeafRow]:
    query = select(LeafRow).where(LeafRow.log == log)
    if wanted.before is not None:
        query = query.where(LeafRow.seq < wanted.before)
    if wanted.event_type is not None:
        query = query.where(LeafRow.event_type == wanted.event_type)
    if user_id is not None:
        query = query.where(LeafRow.user_id == user_id)
    if wanted.after is not None:
        query = query.where(LeafRow.created_at > moment(wanted.after))
    return query.order_by(LeafRow.seq.desc())
