"""The notices of a plant inside the caller's transaction: what one reader has, what was read, what goes in the end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.news.tables import NodeNoticeRow, NoticeReadRow, NoticeRow
from appliance.news.telling import INSERT
from appliance.news.values import Kind, Notice, Reader
from appliance.store import CONTROL, Purpose, Store, TenantId

DAYS: Final = 90
MOST: Final = 5_000
"""Notices of a plant; the oldest go."""
AT_ONCE: Final = 200
MOST_COUNTED: Final = 100


def _theirs(reader: Reader) -> ColumnElement[bool]:
    subject = str(reader.subject)
    heard = or_(NoticeRow.audience.in_(reader.audiences), NoticeRow.person == subject)
    return and_(heard, or_(NoticeRow.author.is_(None), NoticeRow.author != subject))


def _unread(reader: Reader) -> ColumnElement[bool]:
    seen = select(NoticeReadRow.notice_id).where(NoticeReadRow.person_id == reader.subject)
    return NoticeRow.id.not_in(seen)


async def page(
    session: AsyncSession, reader: Reader, *, unread: bool, limit: int, before: tuple[dt.datetime, UUID] | None = None
) -> list[Notice]:
    """The newest first, from the one after `before`."""
    query = select(NoticeRow, _unread(reader)).where(_theirs(reader))
    if unread:
        query = query.where(_unread(reader))
    if before is not None:
        at, last = before
        query = query.where(or_(NoticeRow.at < at, and_(NoticeRow.at == at, NoticeRow.id < last)))
    rows = await session.execute(query.order_by(NoticeRow.at.desc(), NoticeRow.id.desc()).limit(limit))
    return [_notice(row, read=not new) for row, new in rows]


async def unread(session: AsyncSession, reader: Reader) -> int:
    """How many wait; it is counted up to 100."""
    some = select(NoticeRow.id).where(_theirs(reader), _unread(reader)).limit(MOST_COUNTED)
    return await session.scalar(select(func.count()).select_from(some.subquery())) or 0


async def mark(session: AsyncSession, reader: Reader, notice_id: UUID) -> bool:
    """One has been read; False where the reader has no such notice."""
    found = await session.scalar(select(NoticeRow.id).where(_theirs(reader), NoticeRow.id == notice_id))
    if found is not None:
        await _read(session, reader, [found])
    return found is not None


async def mark_up_to(session: AsyncSession, reader: Reader, notice_id: UUID) -> int | None:
    """All up to this one have been read; None where the reader has no such notice. Returns how many were new."""
    last = await session.scalar(select(NoticeRow.at).where(_theirs(reader), NoticeRow.id == notice_id))
    if last is None:
        return None
    earlier = or_(NoticeRow.at < last, and_(NoticeRow.at == last, NoticeRow.id <= notice_id))
    found = list(await session.scalars(select(NoticeRow.id).where(_theirs(reader), _unread(reader), earlier)))
    await _read(session, reader, found)
    return len(found)


async def _read(session: AsyncSession, reader: Reader, notices: Sequence[UUID]) -> None:
    insert = INSERT[session.get_bind().dialect.name](NoticeReadRow)
    for one in notices:
        await session.execute(insert.values(notice_id=one, person_id=reader.subject).on_conflict_do_nothing())


async def one(session: AsyncSession, reader: Reader, notice_id: UUID) -> Notice | None:
    row = (await session.scalars(select(NoticeRow).where(_theirs(reader), NoticeRow.id == notice_id))).one_or_none()
    return None if row is None else _notice(row)


async def waiting(session: AsyncSession) -> bool:
    """Whether `take` would find something."""
    return await session.scalar(select(NoticeRow.id).where(NoticeRow.spread.is_(False)).limit(1)) is not None


async def take(session: AsyncSession) -> list[Notice]:
    """Those that nobody has passed on yet, the oldest first; they are passed on in this transaction."""
    query = select(NoticeRow).where(NoticeRow.spread.is_(False)).order_by(NoticeRow.at, NoticeRow.id)
    rows = list(await session.scalars(query.limit(AT_ONCE).with_for_update(skip_locked=True)))
    for row in rows:
        row.spread = True
    await session.flush()
    return [_notice(row) for row in rows]


async def forget(session: AsyncSession, now: dt.datetime, *, days: int = DAYS, most: int = MOST) -> None:
    """What is too old, or too much, goes; the marks of who has read it go with it."""
    oldest = select(NoticeRow.id).order_by(NoticeRow.at, NoticeRow.id)
    late = oldest.where(NoticeRow.at < now - dt.timedelta(days=days)).limit(AT_ONCE)
    await session.execute(delete(NoticeRow).where(NoticeRow.id.in_(late)))
    many = await session.scalar(select(func.count()).select_from(NoticeRow)) or 0
    if many > most:
        await session.execute(delete(NoticeRow).where(NoticeRow.id.in_(oldest.limit(min(AT_ONCE, many - most)))))


async def relay(store: Store) -> int:
    """Move what was told beside rows of the node to the plants it is for; returns how many. Cut off anywhere, it is moved
    again, and there once.
    """
    async with store.open_internal(Purpose.RELAY, CONTROL) as session:
        rows = list(await session.scalars(select(NodeNoticeRow).order_by(NodeNoticeRow.at).limit(AT_ONCE)))
    for row in rows:
        values: dict[str, Any] = {
            name: getattr(row, name) for name in ("id", "slot", "at", "kind", "audience", "person", "author", "params")
        }
        async with store.open_internal(Purpose.RELAY, TenantId(row.tenant_id), write=True) as session:
            insert = INSERT[session.get_bind().dialect.name](NoticeRow)
            await session.execute(insert.values({**values, "spread": False}).on_conflict_do_nothing())
        async with store.open_internal(Purpose.RELAY, CONTROL, write=True) as session:
            await session.execute(delete(NodeNoticeRow).where(NodeNoticeRow.id == row.id))
    return len(rows)


def _notice(row: NoticeRow, *, read: bool = False) -> Notice:
    return Notice(
        row.id, row.at, cast("Kind", row.kind), dict(row.params), row.audience, row.person, row.author, read
    )  # fmt: skip
