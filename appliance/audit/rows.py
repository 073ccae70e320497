"""The rows of one log as an export takes them: chosen, in order, a few hundred in memory at a time."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit.checking import as_bytes
from appliance.audit.proofs import Proofs
from appliance.audit.records import SealedField, Sealer, moment, tenant_of
from appliance.audit.tables import CheckpointRow, LeafRow, PersonalRow
from appliance.audit.values import LogName
from appliance.audit.witnessed import of_log
from appliance.errors import Damaged

CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records: an excerpt, unless nothing is set."""

    user_id: str | None = None
    event_type: str | None = None
    since: dt.datetime | None = None  # made at this moment or later
    until: dt.datetime | None = None  # made before this moment

    @property
    def whole(self) -> bool:
        return self == WHOLE

    def narrowed(self, query: Select[LeafRow]) -> Select[LeafRow]:
        """The same rows, less those that are not wanted."""
        conditions: list[ColumnElement[bool]] = []
        if self.user_id is not None:
            conditions.append(LeafRow.user_id == self.user_id)
        if self.event_type is not None:
            conditions.append(LeafRow.event_type == self.event_type)
        if self.since is not None:
            conditions.append(LeafRow.created_at >= moment(self.since))
        if self.until is not None:
            conditions.append(LeafRow.created_at < moment(self.until))
        return query.where(*conditions)


WHOLE: Final = Selection()


@dataclass(frozen=True, slots=True)
class Row:
    seq: int
    hash: bytes
    record: bytes
    members: dict[str, Any]
    personal: dict[str, tuple[bytes, str]]


class Source:
    """The rows of one export."""

    def __init__(
        self, session: AsyncSession, log: LogName, selection: Selection, sealer: Sealer | None, size: int
    ) -> None:
        self.selection = selection
        self.size = size
        self.session = session
        self._log = log
        self._sealer = sealer

    async def chunks(self) -> AsyncIterator[Sequence[Row]]:
        after = -1
        while True:
            query = select(LeafRow).where(LeafRow.log == self._log, LeafRow.seq > after, LeafRow.seq < self.size)
            query = self.selection.narrowed(query)
            rows = (await self.session.scalars(query.order_by(LeafRow.seq).limit(CHUNK))).all()
            if not rows:
                return
            kept = await self._kept([row.id for row in rows])
            yield [self._row(row, kept.get(row.id, ())) for row in rows]
            after = rows[-1].seq
            self.session.expunge_all()

    async def notes(self) -> AsyncIterator[tuple[int, str]]:
        """The saved heads of the log, the smallest first."""
        after = -1
        while True:
            query = select(CheckpointRow.size, CheckpointRow.note).where(
                CheckpointRow.log == self._log, CheckpointRow.size > after, CheckpointRow.size < self.size
            )
            rows = (await self.session.execute(query.order_by(CheckpointRow.size).limit(CHUNK))).all()
            if not rows:
                return
            for row in rows:
                yield row.size, row.note
            after = rows[-1].size

    async def cosigned(self) -> Sequence[tuple[int, str, str]]:
        """The heads that trusted witnesses cosigned, the smallest first: size, verifier key, note."""
        rows = (await self.session.execute(of_log(self._log))).all()
        return [(size, witness, note) for size, witness, note in rows if size <= self.size]

    def proofs(self) -> Proofs:
        """What proves an excerpt."""
        return Proofs(self.session, self._log, self.size)

    async def _kept(self, ids: Sequence[str]) -> Mapping[str, Sequence[PersonalRow]]:
        found: dict[str, list[PersonalRow]] = {}
        if self._sealer is not None:
            query = select(PersonalRow).where(PersonalRow.record_id.in_(ids))
            for each in await self.session.scalars(query):
                found.setdefault(each.record_id, []).append(each)
        return found

    def _row(self, row: LeafRow, kept: Sequence[PersonalRow]) -> Row:
        record = as_bytes(row.record)
        try:
            members = dict(json.loads(record))
        except (ValueError, TypeError):
            members = {}  # someone changed it: it is exported as it is, for the verifier to name
        return Row(row.seq, as_bytes(row.hash), record, members, dict(self._opened(row.id, members, kept)))

    def _opened(
        self, record_id: str, members: Mapping[str, Any], kept: Sequence[PersonalRow]
    ) -> Iterator[tuple[str, tuple[bytes, str]]]:
        if self._sealer is None:
            return
        for each in kept:
            try:
                field = SealedField(each.field, each.sealed)
                yield each.field, self._sealer.open(tenant_of(members), record_id, field)
            except (ValueError, KeyError, Damaged):
                continue  # altered or erased: there is nothing to disclose
