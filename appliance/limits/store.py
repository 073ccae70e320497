"""The rows of windows, by what is asked of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import delete, insert, select, text, tuple_
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.limits.rules import Counts, Key, Window
from appliance.limits.tables import RateWindowRow

_TURN = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('rate:' || :tenant, 0)), extract(epoch FROM clock_timestamp())"
)


async def everything(session: AsyncSession) -> tuple[dict[Key, Counts], float]:
    """All windows, and when the newest of them was written."""
    rows = (await session.scalars(select(RateWindowRow))).all()
    return _counts(rows), max((row.at for row in rows), default=0.0)


async def replace(session: AsyncSession, counts: Mapping[Key, Counts], at: float) -> None:
    await session.execute(delete(RateWindowRow))
    if counts:
        await session.execute(insert(RateWindowRow), [_values(key, slices, at) for key, slices in counts.items()])


async def turn(session: AsyncSession, tenant: str) -> float:
    """Wait until nobody else counts in this tenant, then return the database's time in seconds (PostgreSQL)."""
    return float((await session.execute(_TURN, {"tenant": tenant})).one()[1])


async def of_windows(session: AsyncSession, windows: Sequence[Window]) -> dict[Key, Counts]:
    columns = tuple_(RateWindowRow.tenant_id, RateWindowRow.subject, RateWindowRow.what, RateWindowRow.seconds)
    wanted = [(UUID(key.tenant), key.subject, key.what, key.seconds) for key in (window.key for window in windows)]
    return _counts((await session.scalars(select(RateWindowRow).where(columns.in_(wanted)))).all())


async def put(session: AsyncSession, counts: Mapping[Key, Counts], at: float) -> None:
    """Write windows that are there or not yet (PostgreSQL)."""
    new = postgresql.insert(RateWindowRow).values([_values(key, slices, at) for key, slices in counts.items()])
    key = ["tenant_id", "subject", "what", "seconds"]
    await session.execute(
        new.on_conflict_do_update(index_elements=key, set_={"slices": new.excluded.slices, "at": new.excluded.at})
    )


async def of_tenant(session: AsyncSession, tenant: str) -> dict[Key, Counts]:
    return _counts((await session.scalars(select(RateWindowRow).where(RateWindowRow.tenant_id == UUID(tenant)))).all())


async def forget(session: AsyncSession, tenant: str, subject: str | None) -> None:
    whose = RateWindowRow.tenant_id == UUID(tenant)
    if subject is not None:
        whose &= RateWindowRow.subject == subject
    await session.execute(delete(RateWindowRow).where(whose))


async def forget_older(session: AsyncSession, at: float) -> None:
    await session.execute(delete(RateWindowRow).where(RateWindowRow.at < at))


def _counts(rows: Iterable[RateWindowRow]) -> dict[Key, Counts]:
    return {
        Key(str(row.tenant_id), row.subject, row.what, row.seconds): {
            int(one): int(hits) for one, hits in row.slices.items()
        }
        for row in rows
    }


def _values(key: Key, slices: Counts, at: float) -> dict[str, object]:
    return {
        "tenant_id": UUID(key.tenant),
        "subject": key.subject,
        "what": key.what,
        "seconds": key.seconds,
        "slices": {str(one): hits for one, hits in slices.items()},
        "at": at,
    }
