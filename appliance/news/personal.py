"""Notices that are somebody's: shown to them, and forgotten when they are erased."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.news.tables import NodeNoticeRow, NoticeReadRow, NoticeRow


async def kept(session: AsyncSession, person_id: UUID, _after: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """The notices that were for this person."""
    rows = await session.scalars(select(NoticeRow).where(NoticeRow.person == str(person_id)).order_by(NoticeRow.id))
    return [{"at": row.at, "kind": row.kind, "params": row.params} for row in rows], None


async def forget(session: AsyncSession, person_id: UUID) -> int:
    """How many rows of the plant went, or do not name them any more."""
    own = select(NoticeRow.id).where(NoticeRow.person == str(person_id))
    return await _done(
        session,
        delete(NoticeReadRow).where((NoticeReadRow.person_id == person_id) | NoticeReadRow.notice_id.in_(own)),
        delete(NoticeRow).where(NoticeRow.person == str(person_id)),
        update(NoticeRow).where(NoticeRow.author == str(person_id)).values(author=None),
    )


async def forget_of_node(session: AsyncSession, person_id: UUID) -> int:
    """The same of those that are on their way."""
    return await _done(session, delete(NodeNoticeRow).where(NodeNoticeRow.person == str(person_id)))


async def _done(session: AsyncSession, *statements: Any) -> int:
    gone = 0
    for statement in statements:
        found = await session.execute(statement.execution_options(synchronize_session=False))
        gone += cast("CursorResult[Any]", found).rowcount
    return gone
