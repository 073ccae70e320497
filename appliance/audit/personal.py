"""What the record says of a person. A record commits to a name by a salted hash; where salt and name are gone it stays as
it is, every proof holds, and nobody reads from it any more who that was.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, select

from appliance.audit.channel import Transaction, in_session
from appliance.audit.checking import as_bytes
from appliance.audit.recorder import Recorder
from appliance.audit.records import SealedField
from appliance.audit.tables import LeafRow, PersonalRow
from appliance.audit.values import LogName, log_name
from appliance.errors import Damaged
from appliance.store import AUDIT, Purpose, Store, TenantId

PAGE: Final = 500

_OWN: Final = (
    select(LeafRow.seq, LeafRow.created_at, LeafRow.correlation_id, LeafRow.record)
    .where(LeafRow.log == bindparam("log"), LeafRow.user_id == bindparam("person"), LeafRow.seq > bindparam("after"))
    .order_by(LeafRow.seq)
    .limit(PAGE)
)
_SEALED: Final = (
    select(PersonalRow.record_id, PersonalRow.field)
    .join(LeafRow, LeafRow.id == PersonalRow.record_id)
    .where(LeafRow.log == bindparam("log"), LeafRow.user_id == bindparam("person"))
    .limit(PAGE)
)
_NOBODYS: Final = (
    select(PersonalRow.record_id, PersonalRow.field, PersonalRow.sealed)
    .join(LeafRow, LeafRow.id == PersonalRow.record_id)
    .where(LeafRow.log == bindparam("log"), PersonalRow.subject.is_(None), PersonalRow.record_id > bindparam("after"))
    .order_by(PersonalRow.record_id)
    .limit(PAGE)
)


@dataclass(frozen=True, slots=True)
class Own:
    """A record that somebody made."""

    seq: int
    at: dt.datetime
    correlation_id: str | None
    record: bytes


async def own(store: Store, tenant_id: TenantId, person_id: UUID, *, epoch: int, after: int = -1) -> list[Own]:
    """The next records of a tenant's log in one epoch that the person made, at most `PAGE`, from the one after `after`."""
    rows = await _read(store, _OWN, log=log_name(tenant_id, epoch), person=str(person_id), after=after)
    return [Own(int(row[0]), dt.datetime.fromisoformat(str(row[1])), row[2], as_bytes(row[3])) for row in rows]


def shown(one: Own) -> dict[str, Any]:
    """A record as its members; only its number where it cannot be read."""
    try:
        return {"seq": one.seq, **json.loads(one.record)}
    except (ValueError, TypeError):
        return {"seq": one.seq}


async def forget(
    recorder: Recorder, store: Store, tenant_id: TenantId, person_id: UUID, is_theirs: Callable[[str], bool]
) -> int:
    """Remove the names and salts beside the records that the person made, and what somebody typed at a sign-in that is
    theirs. Returns how many went.

    Raises:
        RecordUnavailable: it could not be written; doing it again goes on.
    """
    for outbox in (tenant_id, None):
        await recorder.relay(outbox)
    gone = 0
    for epoch in range(1, recorder.epoch + 1):
        log = log_name(tenant_id, epoch)
        while rows := await _read(store, _SEALED, log=log, person=str(person_id)):
            await recorder.forget([(row[0], row[1]) for row in rows])
            gone += len(rows)
        gone += await _forget_typed(recorder, store, log, tenant_id, is_theirs)
        gone += await _forget_typed(recorder, store, log_name(None, epoch), None, is_theirs)
    return gone


async def _forget_typed(
    recorder: Recorder, store: Store, log: LogName, tenant_id: TenantId | None, is_theirs: Callable[[str], bool]
) -> int:
    """Of records that name nobody's id, since nobody was signed in."""
    after, gone = "", 0
    while rows := await _read(store, _NOBODYS, log=log, after=after):
        after = rows[-1][0]
        found = [(row[0], row[1]) for row in rows if is_theirs(_opened(recorder, tenant_id, row))]
        if found:
            await recorder.forget(found)
            gone += len(found)
    return gone


def _opened(recorder: Recorder, tenant_id: TenantId | None, row: Sequence[Any]) -> str:
    try:
        return recorder.sealer.open(tenant_id, row[0], SealedField(row[1], as_bytes(row[2])))[1]
    except (ValueError, Damaged):
        return ""  # it was altered, and says nothing


async def _read(store: Store, query: Any, **values: Any) -> Sequence[Sequence[Any]]:
    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        return await in_session(session, partial(_rows, query=query, values=values))


def _rows(transaction: Transaction, query: Any, values: dict[str, Any]) -> Sequence[Sequence[Any]]:
    return transaction.rows(query, **values)
