"""Destruction holds: set, released and listed by admins, read by auditors, obeyed by whatever removes anything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.gate import Gate
from appliance.holds.errors import BadHold, HoldReleased, NoSuchHold, OnHold
from appliance.holds.rules import Hold, keeps_document
from appliance.holds.tables import HoldRow
from appliance.policy import Resource
from appliance.store import Principal, Store, new_id

READ, MANAGE = "holds.read", "holds.manage"


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """Some holds, and whether there are more after the last of them."""

    rows: list[HoldRow]
    more: bool


class Holds:
    """The holds of the plants."""

    def __init__(self, store: Store, gate: Gate, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._store, self._gate, self._clock = store, gate, clock

    async def set(self, principal: Principal, hold: Hold, reason: str) -> HoldRow:
        """Keep what it names from now on. Raises Refused, BadHold."""
        async with (
            self._gate.admit(principal, MANAGE, Resource("hold")) as admitted,
            self._store.open_session(admitted, write=True) as session,
        ):
            if not reason.strip() or (hold.since and hold.until and hold.since >= hold.until):
                raise BadHold("A hold needs a reason, and a period that is not empty.")
            await turn(session)
            row = HoldRow(
                id=new_id(), reason=reason.strip(), since=hold.since, until=hold.until, user_id=hold.user_id,
                document_id=hold.document_id, correlation_id=hold.correlation_id, created_at=self._clock(),
                created_by=principal.id,
            )  # fmt: skip
            session.add(row)
            admitted.outcome.resource_id = str(row.id)
            admitted.outcome.metadata["hold"] = _told(hold)
        return row

    async def release(self, principal: Principal, hold_id: UUID, reason: str) -> HoldRow:
        """Let go of what it named. Raises Refused, NoSuchHold, HoldReleased, BadHold."""
        async with (
            self._gate.admit(principal, MANAGE, Resource("hold", str(hold_id))) as admitted,
            self._store.open_session(admitted, write=True) as session,
        ):
            if not reason.strip():
                raise BadHold("A release needs a reason.", hint="Say why nothing has to be kept any more.")
            await turn(session)
            row = (await session.scalars(select(HoldRow).where(HoldRow.id == hold_id))).one_or_none()
            if row is None:
                raise NoSuchHold("The plant has no such hold.")
            if row.released_at is not None:
                raise HoldReleased("The hold was released before.")
            row.released_at, row.released_by, row.release_reason = self._clock(), principal.id, reason.strip()
            admitted.outcome.metadata["before"] = {"released": False}
            admitted.outcome.metadata["after"] = {"released": True}
        return row

    async def page(self, principal: Principal, *, limit: int, before: UUID | None) -> Page:
        """The newest first, released ones too, from the one after `before`. Raises Refused."""
        query = select(HoldRow).order_by(HoldRow.id.desc()).limit(limit + 1)
        async with self._gate.admit(principal, READ, Resource("hold")) as admitted:
            async with self._store.open_session(admitted) as session:
                rows = list(await session.scalars(query if before is None else query.where(HoldRow.id < before)))
            admitted.outcome.metadata["holds"] = len(rows[:limit])
        return Page(rows[:limit], len(rows) > limit)


async def turn(session: AsyncSession) -> None:
    """Wait for whoever sets, releases or obeys the holds of this plant now; a node's file has one writer anyway."""
    if session.get_bind().dialect.name != "sqlite":
        connection = await session.connection()
        tenant = connection.sync_connection.get_execution_options()["tenant_id"]  # type: ignore[union-attr]
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(literal(f"holds/{tenant}"), 0))))


async def in_force(session: AsyncSession) -> list[Hold]:
    """The holds of the session's plant. In a writing session none is set or released until it ends."""
    await turn(session)
    rows = await session.scalars(select(HoldRow).where(HoldRow.released_at.is_(None)))
    return [Hold(row.since, row.until, row.user_id, row.document_id, row.correlation_id) for row in rows]


async def blocked(session: AsyncSession, document_id: UUID, uploaded_at: dt.datetime) -> None:
    """Raises OnHold: the document has to be kept."""
    if keeps_document(await in_force(session), document_id, uploaded_at):
        raise OnHold("A destruction hold names this document.")


def _told(hold: Hold) -> dict[str, str | None]:
    return {
        "since": None if hold.since is None else hold.since.isoformat(),
        "until": None if hold.until is None else hold.until.isoformat(),
        "user": _text(hold.user_id), "document": _text(hold.document_id), "work": _text(hold.correlation_id),
    }  # fmt: skip


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
