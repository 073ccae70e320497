"""What the guard found and did, kept beside what it belongs to. Never a text: names of rules, ids, how often.

Whoever tries again and again fills a counter, not the disk: one row for a person, kind, place, act, document and hour, and of all
rows the oldest go when there are too many or when their time is over.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from appliance.guard.tables import ViolationRow
from appliance.guard.values import SEVERITIES, Violation
from appliance.metrics import VIOLATIONS
from appliance.store import Purpose, new_id

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from appliance.store import Admitted, Store

DAYS: Final = 90
MOST: Final = 20_000
"""Rows of a plant."""
MOST_RULES: Final = 20
AT_ONCE: Final = 500
"""Old rows that one writer takes away; the next ones take the rest."""
_INSERT: Final[dict[str, Any]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Sought:
    """Which violations are meant; None for any. `since` counts, `until` does not."""

    kind: str | None = None
    place: str | None = None
    user_id: UUID | None = None
    document_id: UUID | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None


class Violations:
    """Args:
    days: how long one is kept.
    most: how many rows a plant keeps.
    """

    def __init__(
        self, store: Store, *, days: int = DAYS, most: int = MOST, clock: Callable[[], dt.datetime] = utc_now
    ) -> None:
        self._store, self._keep, self._most, self._clock = store, dt.timedelta(days=days), most, clock

    async def note(
        self,
        session: AsyncSession,
        user_id: UUID,
        found: Sequence[Violation],
        *,
        conversation_id: UUID | None = None,
        message_id: UUID | None = None,
    ) -> None:
        """Keep what was found, in the transaction of what it belongs to."""
        if not found:
            return
        now = self._clock()
        for one in sorted(found, key=lambda one: _slot(user_id, one, now)):  # two writers meet in one order
            values = {
                "id": new_id(), "slot": _slot(user_id, one, now), "at": now,
                "last_at": now, "times": 1, "kind": one.kind, "place": one.place, "act": one.act,
                "severity": one.severity, "rules": list(one.rules[:MOST_RULES]), "score": one.score,
                "user_id": user_id, "document_id": one.document_id, "conversation_id": conversation_id,
                "message_id": message_id,
            }  # fmt: skip
            await _count(session, values)
            VIOLATIONS.labels(one.kind, one.place, one.act).inc()
        await self._prune(session, now)

    async def keep(self, admitted: Admitted, found: Sequence[Violation], *, message_id: UUID | None = None) -> None:
        """Keep what led to a refusal: there is nothing else that it could be kept with, and the refusal is recorded as one."""
        if not found:
            return
        async with self._store.open_internal(Purpose.RECORD, admitted.tenant_id, write=True) as session:
            await self.note(session, admitted.principal.id, found, message_id=message_id)

    async def page(
        self, admitted: Admitted, sought: Sought, *, limit: int, before: tuple[dt.datetime, UUID] | None = None
    ) -> list[ViolationRow]:
        """The newest first, from the one after `before`."""
        kept = ViolationRow.at >= self._clock() - self._keep
        query = select(ViolationRow).where(kept, *_conditions(sought))
        if before is not None:
            at, last = before
            query = query.where(or_(ViolationRow.at < at, and_(ViolationRow.at == at, ViolationRow.id < last)))
        query = query.order_by(ViolationRow.at.desc(), ViolationRow.id.desc()).limit(limit)
        async with self._store.open_session(admitted) as session:
            return list(await session.scalars(query))

    async def _prune(self, session: AsyncSession, now: dt.datetime) -> None:
        many = await session.scalar(select(func.count()).select_from(ViolationRow)) or 0
        oldest = select(ViolationRow.id).order_by(ViolationRow.at, ViolationRow.id)
        late = oldest.where(ViolationRow.at < now - self._keep).limit(AT_ONCE)
        await session.execute(delete(ViolationRow).where(ViolationRow.id.in_(late)))
        if many > self._most:
            beyond = oldest.limit(min(AT_ONCE, many - self._most))
            await session.execute(delete(ViolationRow).where(ViolationRow.id.in_(beyond)))


def _slot(user_id: UUID, one: Violation, now: dt.datetime) -> str:
    return f"{user_id}|{one.kind}|{one.place}|{one.act}|{one.document_id or ''}|{now:%Y%m%d%H}"


async def _count(session: AsyncSession, values: dict[str, Any]) -> None:
    """A new row, or one more of the same; of two writers at once the second waits for the first."""
    insert = _INSERT[session.get_bind().dialect.name](ViolationRow)
    new = insert.values(values).on_conflict_do_nothing().returning(ViolationRow.id)
    if await session.scalar(new) is not None:
        return
    again = select(ViolationRow).where(ViolationRow.slot == values["slot"]).with_for_update()
    row = (await session.scalars(again.execution_options(populate_existing=True))).one()
    row.times += 1
    row.rules = list(dict.fromkeys([*row.rules, *values["rules"]]))[:MOST_RULES]
    row.severity = max(row.severity, values["severity"], key=SEVERITIES.index)
    row.score = max(row.score, values["score"])
    row.last_at, row.conversation_id, row.message_id = (
        values["last_at"], values["conversation_id"], values["message_id"],
    )  # fmt: skip
    await session.flush()


def _conditions(sought: Sought) -> list[Any]:
    found = []
    if sought.kind is not None:
        found.append(ViolationRow.kind == sought.kind)
    if sought.place is not None:
        found.append(ViolationRow.place == sought.place)
    if sought.user_id is not None:
        found.append(ViolationRow.user_id == sought.user_id)
    if sought.document_id is not None:
        found.append(ViolationRow.document_id == sought.document_id)
    if sought.since is not None:
        found.append(ViolationRow.last_at >= sought.since)
    if sought.until is not None:
        found.append(ViolationRow.at < sought.until)
    return found
