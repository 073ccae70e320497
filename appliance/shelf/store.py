"""The shelf's queries."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.shelf.tables import ModelEventRow, ModelInForceRow, ModelPackageRow
from appliance.shelf.values import Happened, Measured, ModelPackage, State, Tier, What
from models.gguf import Header

CHAT = "chat"


async def packages(session: AsyncSession) -> list[ModelPackage]:
    """Newest first."""
    rows = await session.scalars(select(ModelPackageRow).order_by(ModelPackageRow.imported_at.desc()))
    return [package_of(row) for row in rows]


async def row_of(session: AsyncSession, package: uuid.UUID) -> ModelPackageRow | None:
    return await session.get(ModelPackageRow, package)


async def in_force(session: AsyncSession) -> uuid.UUID | None:
    row = await session.get(ModelInForceRow, CHAT)
    return None if row is None else row.package_id


async def put_in_force(session: AsyncSession, package: uuid.UUID | None) -> None:
    """Move the pointer, and with it the states of both packages."""
    row = await session.get(ModelInForceRow, CHAT)
    if row is None:
        row = ModelInForceRow(kind=CHAT, package_id=None, generation=0)
        session.add(row)
    if row.package_id is not None and row.package_id != package:
        before = await session.get_one(ModelPackageRow, row.package_id)
        if before.state == "active":
            before.state = "retired"
    row.package_id, row.generation = package, row.generation + 1
    if package is not None:
        (await session.get_one(ModelPackageRow, package)).state = "active"


async def happened(
    session: AsyncSession,
    what: What,
    row: ModelPackageRow,
    *,
    by: uuid.UUID | None,
    at: dt.datetime,
    reason: str | None = None,
) -> None:
    last = await session.scalar(select(func.max(ModelEventRow.number)))
    session.add(
        ModelEventRow(
            number=(last or 0) + 1,
            what=what,
            model=row.name,
            package_id=row.id,
            reason=reason and reason[:300],
            by=by,
            at=at,
        )
    )


async def history(session: AsyncSession, most: int) -> list[Happened]:
    """Newest first."""
    rows = await session.scalars(select(ModelEventRow).order_by(ModelEventRow.number.desc()).limit(most))
    return [
        Happened(row.number, cast("What", row.what), row.model, row.package_id, row.reason, row.by, row.at)
        for row in rows
    ]


async def retired_before(session: AsyncSession, current: uuid.UUID | None) -> list[uuid.UUID]:
    """Packages that were in force and can be again, the latest first."""
    events = await session.scalars(
        select(ModelEventRow)
        .where(ModelEventRow.what.in_(("activated", "rolled-back", "fell-back")))
        .order_by(ModelEventRow.number.desc())
    )
    order = dict.fromkeys(row.package_id for row in events if row.package_id != current)
    kept: list[uuid.UUID] = []
    for one in order:
        row = await session.get(ModelPackageRow, one)
        if row is not None and row.state == "retired":
            kept.append(one)
    return kept


def new_row(
    package: uuid.UUID,
    name: str,
    sha256: str,
    size: int,
    licence: str,
    header: Header,
    tiers: tuple[Tier, ...],
    at: dt.datetime,
) -> ModelPackageRow:
    facts = {
        "architecture": header.architecture,
        "quantisation": header.quantisation,
        "parameters": header.parameters,
        "context": header.context,
        "tiers": list(tiers),
    }
    return ModelPackageRow(
        id=package, name=name, state="verified", sha256=sha256, size=size, licence=licence, facts=facts, imported_at=at
    )


def measured_json(measured: Measured) -> dict[str, Any]:
    return {**asdict(measured), "at": measured.at.isoformat()}


def package_of(row: ModelPackageRow) -> ModelPackage:
    facts: Mapping[str, Any] = row.facts
    measured = None
    if row.measured is not None:
        measured = Measured(**{**row.measured, "at": dt.datetime.fromisoformat(row.measured["at"])})
    return ModelPackage(
        id=row.id,
        name=row.name,
        state=cast("State", row.state),
        sha256=row.sha256,
        size=row.size,
        licence=row.licence,
        architecture=facts["architecture"],
        quantisation=facts["quantisation"],
        parameters=facts["parameters"],
        context=facts["context"],
        tiers=tuple(facts["tiers"]),
        imported_at=row.imported_at,
        measured=measured,
        reason=row.reason,
    )
