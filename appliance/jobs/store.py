"""Queries of the queue. They run on SQLite and PostgreSQL alike: the row lock below is one only PostgreSQL takes, and
SQLite needs none because its writers stand in line.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.jobs import rules
from appliance.jobs.tables import JobEventRow, JobRow


def _claimable(kinds: Sequence[str], now: dt.datetime) -> ColumnElement[bool]:
    # What changed last in the future did so before the clock was set back: it would wait for that day to come again.
    waiting = and_(JobRow.state == "queued", or_(JobRow.not_before <= now, JobRow.updated_at > now + 10 * rules.LEASE))
    # A lease that ends absurdly late was given before the clock was set back.
    over = or_(JobRow.lease_until < now, JobRow.lease_until > now + 10 * rules.LEASE)
    return and_(or_(waiting, and_(JobRow.state == "running", over)), JobRow.kind.in_(kinds))


async def is_waiting(session: AsyncSession, kinds: Sequence[str], now: dt.datetime) -> bool:
    """Whether `claim_next` would find something; asked first, because looking costs no lock."""
    return await session.scalar(select(JobRow.id).where(_claimable(kinds, now)).limit(1)) is not None


async def claim_next(session: AsyncSession, worker: str, kinds: Sequence[str], now: dt.datetime) -> JobRow | None:
    """Take the most urgent job that has waited longest, or one whose worker fell silent; None when there is none."""
    choice = (
        select(JobRow.id)
        .where(_claimable(kinds, now))
        .order_by(JobRow.priority.desc(), JobRow.not_before, JobRow.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    claimed = (
        update(JobRow)
        .where(JobRow.id == choice.scalar_subquery())
        .values(
            state="running",
            worker=worker,
            attempt=JobRow.attempt + 1,
            lease_until=now + rules.LEASE,
            updated_at=now,
        )
        .returning(JobRow)
        .execution_options(synchronize_session=False)
    )
    job = (await session.scalars(claimed)).one_or_none()
    if job is not None:
        await happened(session, job, "running", {"attempt": job.attempt}, now)
    return job


async def happened(session: AsyncSession, job: JobRow, kind: str, data: Mapping[str, Any], now: dt.datetime) -> None:
    """Append an event; its number follows the last one's."""
    job.events += 1
    job.updated_at = now
    session.add(JobEventRow(job_id=job.id, seq=job.events, kind=kind, data=dict(data), at=now))
    await session.flush()


async def held(session: AsyncSession, job_id: UUID, worker: str) -> JobRow | None:
    """The job, if this worker still holds it."""
    query = select(JobRow).where(JobRow.id == job_id, JobRow.worker == worker, JobRow.state == "running")
    return (await session.scalars(query.with_for_update())).one_or_none()


async def find(session: AsyncSession, job_id: UUID, *, to_change: bool = False) -> JobRow | None:
    """One job. `to_change` keeps others from changing it meanwhile."""
    query = select(JobRow).where(JobRow.id == job_id)
    if to_change:
        query = query.with_for_update()
    return (await session.scalars(query)).one_or_none()


async def with_key(session: AsyncSession, key: str) -> UUID | None:
    return await session.scalar(select(JobRow.id).where(JobRow.idempotency_key == key))


async def recent(
    session: AsyncSession,
    *,
    owner_id: UUID | None,
    state: str | None,
    kinds: Sequence[str] | None = None,
    limit: int,
    before: tuple[dt.datetime, UUID] | None,
) -> list[JobRow]:
    """Newest first."""
    query = select(JobRow)
    if owner_id is not None:
        query = query.where(JobRow.owner_id == owner_id)
    if state is not None:
        query = query.where(JobRow.state == state)
    if kinds is not None:
        query = query.where(JobRow.kind.in_(kinds))
    if before is not None:
        at, last = before
        query = query.where(or_(JobRow.created_at < at, and_(JobRow.created_at == at, JobRow.id < last)))
    return list(await session.scalars(query.order_by(JobRow.created_at.desc(), JobRow.id.desc()).limit(limit)))


async def events_after(session: AsyncSession, job_id: UUID, seq: int, *, limit: int = 200) -> list[JobEventRow]:
    query = select(JobEventRow).where(JobEventRow.job_id == job_id, JobEventRow.seq > seq)
    return list(await session.scalars(query.order_by(JobEventRow.seq).limit(limit)))


async def open_of(session: AsyncSession, owner_id: UUID) -> int:
    """How many jobs of this person wait or run."""
    query = select(func.count()).where(JobRow.owner_id == owner_id, JobRow.state.in_(("queued", "running")))
    return await session.scalar(query) or 0


async def last_with_key(session: AsyncSession, prefix: str) -> JobRow | None:
    """The newest job whose key begins so."""
    query = select(JobRow).where(JobRow.idempotency_key.startswith(prefix, autoescape=True))
    return (await session.scalars(query.order_by(JobRow.created_at.desc(), JobRow.id.desc()).limit(1))).one_or_none()


async def forget(session: AsyncSession, states: Sequence[str], before: dt.datetime) -> int:
    """Delete jobs in these states that have not changed since; their events go with them."""
    gone = delete(JobRow).where(JobRow.state.in_(states), JobRow.updated_at < before).returning(JobRow.id)
    return len((await session.scalars(gone.execution_options(synchronize_session=False))).all())


async def progress(session: AsyncSession, job_ids: Sequence[UUID]) -> dict[UUID, tuple[float, str]]:
    rows = await session.execute(select(JobRow.id, JobRow.progress, JobRow.word).where(JobRow.id.in_(job_ids)))
    return {job_id: (share, word) for job_id, share, word in rows}
