"""Queries over passages that both databases share: what is written, what is fetched. The searches themselves differ
from database to database and stand in `engines`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import ColumnElement, Select, and_, delete, func, insert, literal, or_, select, update

from appliance.documents.values import Box, DocumentFacts, Line, Passage
from appliance.policy.conditions import ArrayContains
from appliance.retrieval.rules import keys_of
from appliance.retrieval.tables import PassageRow, PassageSource

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from appliance.documents.values import Regime, Stage
    from appliance.policy import Scope
    from appliance.retrieval.values import Filters

_SCOPE_COLUMNS: dict[str, ColumnElement[Any]] = {
    "level": PassageSource.level.expression,
    "tags": PassageSource.tags.expression,
    "acl": PassageSource.acl.expression,
    "owner": PassageSource.data_owner.expression,
    "stage": PassageSource.stage.expression,
    "approved": PassageSource.approved.expression,
    "export": PassageSource.export.expression,
    "team": PassageSource.team.expression,
}


def within(scope: Scope) -> ColumnElement[bool]:
    """Sources within the scope, in force or not."""
    # An approval that has ended is worth nothing, whether or not the list was made anew since.
    approved = or_(PassageSource.approved_until.is_(None), PassageSource.approved_until > dt.datetime.now(dt.UTC))
    return and_(scope.where(_SCOPE_COLUMNS), approved)


def visible(scope: Scope, filters: Filters) -> ColumnElement[bool]:
    """Sources that may answer: in force, within the scope, and of the kind asked for."""
    clauses: list[ColumnElement[bool]] = [PassageSource.in_force.is_(True), within(scope)]
    if filters.doc_types:
        clauses.append(PassageSource.doc_type.in_(filters.doc_types))
    for column, wanted in (
        (PassageSource.tags, filters.tags),
        (PassageSource.asset_keys, tuple(keys_of(filters.assets))),
    ):
        if wanted:
            clauses.append(or_(*(ArrayContains(column, literal(value)) for value in wanted)))
    return and_(*clauses)


def reachable(condition: ColumnElement[bool]) -> Select[int]:
    """Ids of the passages of the sources that meet `condition`; reads one index and no text."""
    return select(PassageRow.id).where(PassageRow.source_id.in_(select(PassageSource.id).where(condition)))


async def fetch(
    session: AsyncSession, ids: Sequence[int], condition: ColumnElement[bool]
) -> dict[int, tuple[DocumentFacts, Passage]]:
    """The passages with these ids whose source meets `condition`; the database has the last word on each."""
    query = (
        select(PassageRow, PassageSource)
        .join(PassageSource, PassageSource.id == PassageRow.source_id)
        .where(PassageRow.id.in_(ids), condition)
    )
    return {row.id: (facts(source), passage(row)) for row, source in await session.execute(query)}


async def section(
    session: AsyncSession, document_id: UUID, ordinal: int, *, reach: int, condition: ColumnElement[bool]
) -> list[tuple[int, Passage]]:
    """The passages from `reach` before to `reach` after `ordinal` in one document, in order."""
    query = (
        select(PassageRow)
        .join(PassageSource, PassageSource.id == PassageRow.source_id)
        .where(
            PassageSource.document_id == document_id,
            PassageRow.ordinal.between(ordinal - reach, ordinal + reach),
            condition,
        )
        .order_by(PassageRow.ordinal)
    )
    return [(row.id, passage(row)) for row in await session.scalars(query)]


async def count(session: AsyncSession) -> int:
    """How many passages the tenant has, whoever may read them."""
    return await session.scalar(select(func.count()).select_from(PassageRow)) or 0


async def known_assets(session: AsyncSession, condition: ColumnElement[bool]) -> frozenset[str]:
    """Keys of all assets that visible documents are about."""
    rows = await session.scalars(select(PassageSource.asset_keys).where(condition))
    return frozenset(key for keys in rows for key in keys)


async def documents(session: AsyncSession, condition: ColumnElement[bool]) -> list[UUID]:
    """The documents whose source meets `condition`, in the order they came."""
    return list(await session.scalars(select(PassageSource.document_id).where(condition).order_by(PassageSource.id)))


async def sources(
    session: AsyncSession, document_ids: Iterable[UUID], condition: ColumnElement[bool]
) -> list[DocumentFacts]:
    """Those of the documents whose source meets `condition`."""
    query = select(PassageSource).where(PassageSource.document_id.in_(document_ids), condition)
    return [facts(row) for row in await session.scalars(query)]


async def source_of(session: AsyncSession, document_id: UUID) -> PassageSource | None:
    return (await session.scalars(select(PassageSource).where(PassageSource.document_id == document_id))).one_or_none()


async def put_source(session: AsyncSession, document: DocumentFacts) -> int:
    """Write what filters need of the document, new or known; return the source's id."""
    known = await source_of(session, document.id)
    if known is None:
        source_id = await session.scalar(
            insert(PassageSource).values(document_id=document.id, **_columns(document)).returning(PassageSource.id)
        )
        return int(source_id or 0)
    await session.execute(
        update(PassageSource)
        .where(PassageSource.id == known.id)
        .values(**_columns(document))
        .execution_options(synchronize_session=False)
    )
    return known.id


def _columns(document: DocumentFacts) -> dict[str, Any]:
    return {
        "in_force": document.in_force,
        "level": document.level,
        "tags": list(document.tags),
        "acl": list(document.acl),
        "data_owner": document.owner,
        "stage": document.stage,
        "approved": list(document.approved),
        "approved_until": document.approved_until,
        "export": document.export,
        "team": document.team,
        "assets": list(document.assets),
        "asset_keys": sorted(keys_of(document.assets)),
        "filename": document.filename,
        "title": document.title,
        "revision": document.revision,
        "doc_type": document.doc_type,
    }


async def put_passages(session: AsyncSession, source_id: int, passages: Sequence[Passage]) -> list[int]:
    """Insert the passages; return their ids in the same order."""
    if not passages:
        return []
    statement = insert(PassageRow).returning(PassageRow.id, sort_by_parameter_order=True)
    values = [
        {
            "source_id": source_id,
            "ordinal": item.ordinal,
            "kind": item.kind,
            "heading": item.heading,
            "page": item.page,
            "tokens": item.tokens,
            "text": item.text,
            "lines": [_flat(line) for line in item.lines],
            "flags": None if item.flags is None else list(item.flags),
        }
        for item in passages
    ]
    return list(await session.scalars(statement, values))


async def passages_of(
    session: AsyncSession, document_id: UUID, *, start: int = 0, limit: int | None = None
) -> list[tuple[int, Passage]]:
    """The document's passages from ordinal `start`, whoever may read them; the caller has checked."""
    query = (
        select(PassageRow)
        .join(PassageSource, PassageSource.id == PassageRow.source_id)
        .where(PassageSource.document_id == document_id, PassageRow.ordinal >= start)
        .order_by(PassageRow.ordinal)
    )
    if limit is not None:
        query = query.limit(limit)
    return [(row.id, passage(row)) for row in await session.scalars(query)]


async def drop_passages(session: AsyncSession, source_id: int) -> None:
    await session.execute(
        delete(PassageRow).where(PassageRow.source_id == source_id).execution_options(synchronize_session=False)
    )


async def drop_source(session: AsyncSession, source_id: int) -> None:
    await session.execute(
        delete(PassageSource).where(PassageSource.id == source_id).execution_options(synchronize_session=False)
    )


async def ids_of(session: AsyncSession, source_id: int) -> list[int]:
    return list(await session.scalars(select(PassageRow.id).where(PassageRow.source_id == source_id)))


def facts(row: PassageSource) -> DocumentFacts:
    return DocumentFacts(
        id=row.document_id,
        filename=row.filename,
        revision=row.revision,
        doc_type=row.doc_type,
        level=row.level,
        tags=tuple(row.tags),
        acl=tuple(row.acl),
        assets=tuple(row.assets),
        in_force=row.in_force,
        title=row.title,
        owner=row.data_owner,
        stage=cast("Stage", row.stage),
        approved=tuple(row.approved),
        approved_until=row.approved_until,
        export=cast("Regime", row.export),
        team=row.team,
    )


def passage(row: PassageRow) -> Passage:
    return Passage(
        ordinal=row.ordinal,
        kind=row.kind,  # type: ignore[arg-type]  # written by put_passages from the same literal
        heading=row.heading,
        page=row.page,
        text=row.text,
        tokens=row.tokens,
        lines=tuple(Line(start, end, Box(page, *sides)) for start, end, page, *sides in row.lines),
        flags=None if row.flags is None else tuple(row.flags),
    )


def _flat(line: Line) -> list[float]:
    """A line as a short JSON array: start, end, page, x0, y0, x1, y1 (a ten-thousandth of a page is fine enough)."""
    box = line.box
    return [line.text_start, line.text_end, box.page, *(round(side, 4) for side in (box.x0, box.y0, box.x1, box.y1))]
