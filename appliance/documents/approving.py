"""Approvals inside the caller's transaction: asked for, decided, and what follows for the document."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final, cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.documents import approval_rules as rules
from appliance.documents.approval_rules import Approval, Kind, State, Wanted
from appliance.documents.ports import Index
from appliance.documents.store import facts
from appliance.documents.tables import ApprovalRow, DocumentRow
from appliance.documents.values import Regime
from appliance.jobs import enqueue
from appliance.news import tell
from appliance.store import Principal, new_id

INGEST: Final = "ingest"
REVIEW_DUE: Final = "The review of its class falls due."
WAITS: Final = "Waits for the approval of its data owner."
STRICTER: Final = "Its export regime was made stricter meanwhile."
REJECTED: Final = "Its data owner did not approve it."
UNANSWERED: Final = "Nobody answered in time whether it may be taken in."


def approval_of(row: ApprovalRow) -> Approval:
    return Approval(
        id=row.id, kind=cast("Kind", row.kind), document_id=row.document_id, data_owner=row.data_owner,
        requester=row.requester, purpose=row.purpose, people=tuple(row.people), until=row.until, level=row.level,
        regime=cast("Regime | None", row.regime), state=cast("State", row.state), decided_by=row.decided_by, decided_at=row.decided_at, answer=row.answer,
        agreed=tuple(row.agreed), created_at=row.created_at, escalated_at=row.escalated_at, reason=row.reason,
    )  # fmt: skip


async def read_in(session: AsyncSession, row: DocumentRow, principal: Principal, moment: dt.datetime) -> None:
    """Put the document in the queue of those that are read in."""
    row.status, row.reason, row.updated_at = "pending", None, moment
    payload = {"document_id": str(row.id)}
    row.job_id = UUID(str(await enqueue(session, kind=INGEST, payload=payload, owner=principal)))


async def ask(
    session: AsyncSession, document: DocumentRow, wanted: Wanted, requester: str, moment: dt.datetime
) -> UUID:
    """Put the request before the data owner; returns its id."""
    row = ApprovalRow(
        id=new_id(), kind=wanted.kind, document_id=document.id, data_owner=document.data_owner, requester=requester,
        purpose=wanted.purpose.strip(), people=sorted(set(wanted.people)), until=wanted.until, level=wanted.level,
        regime=wanted.regime, state="pending", decided_by=None, decided_at=None, answer=None, agreed=[], created_at=moment,
    )  # fmt: skip
    session.add(row)
    await tell(
        session, "approval.asked", person=document.data_owner or None, author=requester, at=moment,
        approval=str(row.id), what=wanted.kind,
    )  # fmt: skip
    return row.id


async def pending(
    session: AsyncSession, document_id: UUID, kind: str, requester: str | None = None
) -> Sequence[ApprovalRow]:
    """Requests that wait for an answer; of one person, if that is said."""
    query = select(ApprovalRow).filter_by(document_id=document_id, kind=kind, state="pending")
    if requester is not None:
        query = query.filter_by(requester=requester)
    return (await session.scalars(query)).all()


async def overtake(session: AsyncSession, document: DocumentRow, subject: str, moment: dt.datetime) -> None:
    """A looser regime was asked for while the document was under another one: that is no longer to be decided."""
    for row in await pending(session, document.id, "regime"):
        row.state, row.decided_by, row.decided_at, row.answer = "rejected", subject, moment, STRICTER
        await decided(session, row)


async def decided(session: AsyncSession, row: ApprovalRow) -> None:
    """Who asked hears what became of it."""
    await tell(
        session, "approval.decided", person=row.requester, author=row.decided_by, at=row.decided_at,
        approval=str(row.id), what=row.kind, approved=row.state == "approved",
    )  # fmt: skip


async def unanswered(session: AsyncSession) -> Sequence[ApprovalRow]:
    """All requests that wait for an answer, the oldest first."""
    query = select(ApprovalRow).filter_by(state="pending")
    return (await session.scalars(query.order_by(ApprovalRow.seq))).all()


async def find(session: AsyncSession, approval_id: UUID, *, to_change: bool = False) -> ApprovalRow | None:
    query = select(ApprovalRow).filter_by(id=approval_id)
    return (await session.scalars(query.with_for_update() if to_change else query)).one_or_none()


async def listed(
    session: AsyncSession, *, subject: str | None, state: str | None, before: int | None, limit: int
) -> Sequence[ApprovalRow]:
    """The latest first; for a subject, those that they asked for or are to decide."""
    query = select(ApprovalRow)
    if subject is not None:
        query = query.where((ApprovalRow.data_owner == subject) | (ApprovalRow.requester == subject))
    if state is not None:
        query = query.filter_by(state=state)
    if before is not None:
        query = query.where(ApprovalRow.seq < before)
    return (await session.scalars(query.order_by(ApprovalRow.seq.desc()).limit(limit))).all()


async def renew_uses(session: AsyncSession, index: Index, document: DocumentRow, moment: dt.datetime) -> None:
    """Write into the document who may use it now."""
    query = select(ApprovalRow).filter_by(document_id=document.id, kind="use", state="approved")
    approvals = [approval_of(row) for row in await session.scalars(query)]
    people, until = rules.in_use(approvals, moment)
    document.approved, document.approved_until = list(people), until
    if document.indexed_by is not None:
        await index.update(session, facts(document))


async def due(session: AsyncSession, moment: dt.datetime) -> tuple[list[DocumentRow], list[DocumentRow]]:
    """Documents with an approval that has ended, and those whose review falls due."""
    ended = select(DocumentRow).where(DocumentRow.approved_until <= moment)
    reviewed = select(DocumentRow).where(DocumentRow.review_on <= moment)
    return list(await session.scalars(ended)), list(await session.scalars(reviewed))


async def keep_dates(session: AsyncSession, index: Index, requester: str, moment: dt.datetime) -> int:
    """End the approvals that have come to their day, and ask for the reviews that fall due; returns how many."""
    ended, reviewed = await due(session, moment)
    for document in ended:
        await renew_uses(session, index, document, moment)
    for document in reviewed:
        document.review_on = None
        if document.level > 1 and not await pending(session, document.id, "declassify"):
            await ask(session, document, Wanted("declassify", REVIEW_DUE, level=document.level - 1), requester, moment)
    return len(ended) + len(reviewed)
