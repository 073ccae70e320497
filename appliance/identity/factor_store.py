"""Queries over second factors, recovery codes and spent slips. Whoever changes one holds the row of its person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import cast
from uuid import UUID

from sqlalchemy import CursorResult, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.identity.slips import Slip
from appliance.identity.tables import FactorRow, RecoveryCodeRow, SpentSlipRow
from appliance.identity.values import Factor, FactorKind


def factor_of(row: FactorRow) -> Factor:
    return Factor(row.id, cast("FactorKind", row.kind), row.name, row.created_at, row.confirmed_at, row.last_used_at)


async def every(session: AsyncSession, person_id: UUID) -> Sequence[FactorRow]:
    query = select(FactorRow).filter_by(person_id=person_id)
    return (await session.scalars(query.order_by(FactorRow.created_at, FactorRow.id))).all()


async def confirmed(session: AsyncSession, person_id: UUID) -> list[FactorRow]:
    return [row for row in await every(session, person_id) if row.confirmed_at is not None]


async def one(session: AsyncSession, person_id: UUID, factor_id: UUID) -> FactorRow | None:
    return await session.scalar(select(FactorRow).filter_by(person_id=person_id, id=factor_id))


async def known(session: AsyncSession, handle: str) -> bool:
    """Whether somebody has this credential."""
    return await session.scalar(select(FactorRow.id).filter_by(handle=handle)) is not None


async def forget(session: AsyncSession, *factor_ids: UUID) -> None:
    await session.execute(delete(FactorRow).where(FactorRow.id.in_(factor_ids)))


async def forget_codes(session: AsyncSession, person_id: UUID) -> None:
    await session.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.person_id == person_id))


async def unused_codes(session: AsyncSession, person_id: UUID) -> int:
    query = select(func.count()).select_from(RecoveryCodeRow).filter_by(person_id=person_id, used_at=None)
    return await session.scalar(query) or 0


async def use_recovery_code(session: AsyncSession, person_id: UUID, code_hash: str, now: dt.datetime) -> bool:
    """False if the person has no such code, or has used it."""
    usable = (
        RecoveryCodeRow.hash == code_hash,
        RecoveryCodeRow.person_id == person_id,
        RecoveryCodeRow.used_at.is_(None),
    )
    result = await session.execute(update(RecoveryCodeRow).where(*usable).values(used_at=now))
    return cast("CursorResult[object]", result).rowcount == 1


async def spend(session: AsyncSession, slip: Slip, now: dt.datetime) -> bool:
    """Mark a slip as used; False if it was. Slips that are too old to come again are forgotten."""
    await session.execute(delete(SpentSlipRow).where(SpentSlipRow.expires_at < now - dt.timedelta(days=1)))
    if await session.get(SpentSlipRow, slip.id) is not None:
        return False
    session.add(SpentSlipRow(id=slip.id, expires_at=slip.expires_at))
    await session.flush()
    return True


async def is_spent(session: AsyncSession, slip: Slip) -> bool:
    return await session.get(SpentSlipRow, slip.id) is not None
