"""Reading the record: a page of one tenant's log for those who may see it, and the head they can take away."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit.channel import in_session
from appliance.audit.checking import as_bytes
from appliance.audit.errors import NoSuchRecord, RecordDamaged
from appliance.audit.lists import heads_note
from appliance.audit.notes import Checkpoint
from appliance.audit.proofs import Proofs
from appliance.audit.recorder import Recorder
from appliance.audit.records import SealedField, moment, tenant_of
from appliance.audit.rules import includes, leaf_hash
from appliance.audit.store import heads, present
from appliance.audit.tables import LeafRow, PersonalRow
from appliance.audit.values import Entry, LogName, Proven, log_name
from appliance.audit.witnessed import Witnessed, last_witnessed
from appliance.errors import Damaged
from appliance.store import AUDIT, Admitted, Purpose, Store, TenantId

READ_ALL = "audit.read_all"
READ_OWN = "audit.read_own"
READ_HEADS = "audit.heads"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records: all conditions that are set, newest first, from the place before `before`.

    `correlation_id` is what the records of one piece of work share. Of the moments, `after` is left out as `until` is;
    `since` is taken.
    """

    event_type: str | None = None
    user_id: str | None = None
    after: dt.datetime | None = None
    before: int | None = None
    correlation_id: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class LogHead:
    """Where a log stands now, the signed note that says so, and which head of it a witness cosigned last."""

    log: LogName
    size: int
    root: bytes
    note: str
    witnessed: Witnessed | None = None


class AuditLog:
    """The logs, read. A reader sees the log of its own tenant and nothing else."""

    def __init__(self, store: Store, recorder: Recorder) -> None:
        self._store = store
        self._recorder = recorder

    @property
    def public_key(self) -> bytes:
        """What signs the heads."""
        return self._recorder.signer.public_key

    async def page(self, admitted: Admitted, wanted: Wanted, *, limit: int) -> list[Entry]:
        """At most `limit` records of the admitted tenant; unless `audit.read_all` was admitted, only their own."""
        log = log_name(admitted.tenant_id, self._recorder.epoch)
        user_id = wanted.user_id if admitted.action == READ_ALL else str(admitted.principal.id)
        async with self._store.open_internal(Purpose.RECORD, AUDIT) as session:
            rows = (await session.scalars(_newest(log, wanted, user_id).limit(limit))).all()
            return await self._entries(session, rows)

    async def proof(self, admitted: Admitted, record_id: UUID) -> tuple[Entry, Proven, LogHead]:
        """One record of the admitted tenant with what proves it, and the head that it is proven under.

        Raises:
            NoSuchRecord: there is none, or it is somebody else's and `audit.read_all` was not admitted.
            RecordDamaged: the log no longer proves it.
        """
        log = log_name(admitted.tenant_id, self._recorder.epoch)
        query = select(LeafRow).where(LeafRow.id == str(record_id), LeafRow.log == log)
        if admitted.action != READ_ALL:
            query = query.where(LeafRow.user_id == str(admitted.principal.id))
        async with self._store.open_internal(Purpose.RECORD, AUDIT) as session:
            rows = (await session.scalars(query)).all()
            if not rows:
                raise NoSuchRecord("There is no such record that you may read.")
            proofs, root = await self._proofs(session, log)
            proven = await _proven(proofs, root, rows[0])
            (entry,) = await self._entries(session, rows)
            return entry, proven, await self._head(session, log, proofs.size, root)

    async def of_work(
        self, tenant_id: TenantId, works: Sequence[str], *, phase: str
    ) -> tuple[Mapping[str, Proven], LogHead]:
        """Of each piece of work (a correlation id) the last record of that phase, with its proof, all under one head.

        Raises:
            RecordDamaged: the log no longer proves one of them.
        """
        log = log_name(tenant_id, self._recorder.epoch)
        query = select(LeafRow).where(LeafRow.log == log, LeafRow.correlation_id.in_(works)).order_by(LeafRow.seq)
        async with self._store.open_internal(Purpose.RECORD, AUDIT) as session:
            rows = (await session.scalars(query)).all()
            proofs, root = await self._proofs(session, log)
            found = {}
            for row in rows:
                proven = await _proven(proofs, root, row)
                if json.loads(proven.record)["phase"] == phase:
                    found[str(row.correlation_id)] = proven
            return found, await self._head(session, log, proofs.size, root)

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
            return await self._head(session, log, frontier.size, frontier.root())

    async def heads(self, *, clock: Callable[[], float] = time.time) -> str:
        """The heads of all logs of this node, of every epoch, as one signed note."""
        async with self._store.open_internal(Purpose.RECORD, AUDIT) as session:
            found = await in_session(session, heads)
        frontiers = {log: (frontier.size, frontier.root()) for log, frontier in found.items()}
        return heads_note(self._recorder.signer, max(0, int(clock())), frontiers)

    async def _head(self, session: AsyncSession, log: LogName, size: int, root: bytes) -> LogHead:
        signer = self._recorder.signer
        note = signer.sign(Checkpoint(signer.origin(log), size, root))
        return LogHead(log, size, root, note, await in_session(session, partial(last_witnessed, log=log)))

    async def _proofs(self, session: AsyncSession, log: LogName) -> tuple[Proofs, bytes]:
        """What proves the records that stand in the log now, and their root."""
        frontier = await in_session(session, partial(present, log=log))
        proofs = Proofs(session, log, frontier.size)
        if await proofs.root() != frontier.root():
            raise RecordDamaged("The leaves of the record do not make up its head.", log=log)
        return proofs, frontier.root()

    async def _entries(self, session: AsyncSession, rows: Sequence[LeafRow]) -> list[Entry]:
        query = select(PersonalRow).where(PersonalRow.record_id.in_([row.id for row in rows]))
        kept = (await session.scalars(query)).all()
        entries = []
        for row in rows:
            record = json.loads(row.record)
            own = [SealedField(each.field, each.sealed) for each in kept if each.record_id == row.id]
            entries.append(Entry(LogName(row.log), row.seq, row.hash, record, self._opened(record, own)))
        return entries

    def _opened(self, record: Mapping[str, Any], kept: Sequence[SealedField]) -> dict[str, str]:
        """The personal fields that have not been erased."""
        opened = {}
        for each in kept:
            try:
                _, opened[each.field] = self._recorder.sealer.open(tenant_of(record), record["id"], each)
            except (ValueError, Damaged):
                continue  # altered, or its key destroyed: the verifier tells which
        return opened


async def _proven(proofs: Proofs, root: bytes, row: LeafRow) -> Proven:
    proof = await proofs.inclusion(row.seq)
    record = as_bytes(row.record)
    leaf = leaf_hash(record)
    if leaf != row.hash or not includes(root, proofs.size, row.seq, leaf, proof):
        raise RecordDamaged(f"Record {row.seq} or its hash was changed.", log=row.log, seq=row.seq)
    return Proven(row.seq, leaf, record, tuple(proof))


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
    if wanted.correlation_id is not None:
        query = query.where(LeafRow.correlation_id == wanted.correlation_id)
    if wanted.since is not None:
        query = query.where(LeafRow.created_at >= moment(wanted.since))
    if wanted.until is not None:
        query = query.where(LeafRow.created_at < moment(wanted.until))
    return query.order_by(LeafRow.seq.desc())
