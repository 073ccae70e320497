"""The shelf's queries."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.shelf.tables import ModelEventRow, ModelInForceRow, ModelPackageRow
from appliance.shelf.values import TIERS, Happened, Measured, ModelPackage, State, Tier, What
from models.gguf import Header


async def packages(session: AsyncSession) -> list[ModelPackage]:
    """Newest first."""
    rows = await session.scalars(select(ModelPackageRow).order_by(ModelPackageRow.imported_at.desc()))
    pointers = await _pointers(session)
    return [package_of(row, pointers) for row in rows]


async def package(session: AsyncSession, id: uuid.UUID) -> ModelPackage:
    """Raises NoResultFound."""
    return package_of(await session.get_one(ModelPackageRow, id), await _pointers(session))


async def in_force(session: AsyncSession) -> dict[Tier, uuid.UUID]:
    """The package of each tier that has one."""
    return {cast("Tier", row.tier): row.package_id for row in await _pointers(session) if row.package_id is not None}


async def put_in_force(session: AsyncSession, package: uuid.UUID | None, tiers: Iterable[Tier]) -> None:
    """Move the pointers of these tiers, and with them the states of the packages."""
    for tier in tiers:
        row = await session.get(ModelInForceRow, tier)
        if row is None:
            row = ModelInForceRow(tier=tier, package_id=None, generation=0, start=True)
            session.add(row)
        row.package_id, row.generation = package, row.generation + 1
    await session.flush()
    serving = set((await in_force(session)).values())
    for one in await session.scalars(select(ModelPackageRow)):
        if one.id in serving:
            one.state = "active"
        elif one.state == "active":
            one.state = "retired"


async def let_start(session: AsyncSession, tier: Tier, start: bool) -> uuid.UUID | None:
    """Whether what is in force for a tier is run; returns what that is."""
    row = await session.get(ModelInForceRow, tier)
    if row is None or row.package_id is None:
        return None
    row.start = start
    return row.package_id


async def _pointers(session: AsyncSession) -> list[ModelInForceRow]:
    return list(await session.scalars(select(ModelInForceRow)))


async def happened(
    session: AsyncSession,
    what: What,
    name: str,
    id: uuid.UUID,
    *,
    by: uuid.UUID | None,
    at: dt.datetime,
    reason: str | None = None,
) -> None:
    """Write a line of history about the model, or the provider, of this name and id."""
    last = await session.scalar(select(func.max(ModelEventRow.number)))
    session.add(
        ModelEventRow(
            number=(last or 0) + 1, what=what, model=name[:64], package_id=id, reason=reason and reason[:300], by=by, at=at
        )
    )  # fmt: skip
    await session.flush()


async def history(session: AsyncSession, most: int) -> list[Happened]:
    """Newest first."""
    rows = await session.scalars(select(ModelEventRow).order_by(ModelEventRow.number.desc()).limit(most))
    return [
        Happened(row.number, cast("What", row.what), row.model, row.package_id, row.reason, row.by, row.at)
        for row in rows
    ]


async def latest_in_force(session: AsyncSession) -> uuid.UUID | None:
    """Of the packages in force the one that was put there last."""
    serving = set((await in_force(session)).values())
    return next((one for one in await _put_in_force(session) if one in serving), None)


async def retired_before(session: AsyncSession, tiers: Iterable[Tier]) -> list[uuid.UUID]:
    """Packages for any of these tiers that were in force and can be again, the latest first."""
    wanted = set(tiers)
    kept: list[uuid.UUID] = []
    for one in await _put_in_force(session):
        row = await session.get(ModelPackageRow, one)
        if row is not None and row.state == "retired" and wanted & set(row.facts["tiers"]):
            kept.append(one)
    return kept


async def _put_in_force(session: AsyncSession) -> list[uuid.UUID]:
    """Every package that ever was in force, the latest first."""
    events = await session.scalars(
        select(ModelEventRow.package_id)
        .where(ModelEventRow.what.in_(("activated", "rolled-back", "fell-back")))
        .order_by(ModelEventRow.number.desc())
    )
    return list(dict.fromkeys(events))


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


def package_of(row: ModelPackageRow, pointers: Sequence[ModelInForceRow] = ()) -> ModelPackage:
    facts: Mapping[str, Any] = row.facts
    mine = [one for one in pointers if one.package_id == row.id]
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
        serves=tuple(tier for tier in TIERS if any(one.tier == tier for one in mine)),
        held=bool(mine) and not any(one.start for one in mine),
    )
