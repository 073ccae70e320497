"""Queries of the library, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any
from typing import cast as cast_to
from uuid import UUID

from sqlalchemy import ColumnElement, and_, cast, false, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Text

from appliance.documents.rules import Standing
from appliance.documents.tables import DocumentRow
from appliance.documents.values import DocumentFacts, Regime, Stage
from appliance.policy import Scope

CLOSURE_ROUNDS = 6
"""How far a chain of names is followed; a longer one is settled when one of its documents changes."""

_SCOPE_COLUMNS: dict[str, ColumnElement[Any]] = {
    "level": DocumentRow.level.expression,
    "tags": DocumentRow.tags.expression,
    "acl": DocumentRow.acl.expression,
    "owner": DocumentRow.data_owner.expression,
    "stage": DocumentRow.stage.expression,
    "approved": DocumentRow.approved.expression,
    "export": DocumentRow.export.expression,
    "team": DocumentRow.owner_team_id.expression,
}


def within(scope: Scope) -> ColumnElement[bool]:
    """Documents that the scope's principal may use."""
    # An approval that has ended is worth nothing, whether or not the list was made anew since.
    approved = or_(DocumentRow.approved_until.is_(None), DocumentRow.approved_until > dt.datetime.now(dt.UTC))
    return false() if scope.empty else and_(scope.where(_SCOPE_COLUMNS), approved)


async def find(
    session: AsyncSession,
    document_id: UUID,
    condition: ColumnElement[bool] | None = None,
    *,
    to_change: bool = False,
) -> DocumentRow | None:
    """One document, if it meets the condition. `to_change` keeps others from changing it meanwhile."""
    query = select(DocumentRow).where(DocumentRow.id == document_id)
    if to_change:
        query = query.with_for_update()
    if condition is not None:
        query = query.where(condition)
    return (await session.scalars(query)).one_or_none()


async def with_fingerprint(session: AsyncSession, fingerprint: str, team: str | None) -> DocumentRow | None:
    """The newest document that was uploaded with just this content and description, if it still belongs where it did."""
    query = select(DocumentRow).where(DocumentRow.fingerprint == fingerprint, DocumentRow.owner_team_id == team)
    return (await session.scalars(query.order_by(DocumentRow.seq.desc()).limit(1))).one_or_none()


async def listed(
    session: AsyncSession,
    condition: ColumnElement[bool],
    *,
    status: str | None,
    words: str | None,
    before: int | None,
    limit: int,
) -> list[DocumentRow]:
    """The latest uploads first; `words` must all stand in the file name or the title."""
    query = select(DocumentRow).where(condition)
    if status is not None:
        query = query.where(DocumentRow.status == status)
    if before is not None:
        query = query.where(DocumentRow.seq < before)
    for word in (words or "").split():
        query = query.where(
            or_(
                DocumentRow.filename.icontains(word, autoescape=True),
                DocumentRow.title.icontains(word, autoescape=True),
            )
        )
    return list(await session.scalars(query.order_by(DocumentRow.seq.desc()).limit(limit)))


async def of_team(session: AsyncSession, team: str) -> bool:
    """Whether a document belongs to the team."""
    return await session.scalar(select(DocumentRow.seq).where(DocumentRow.owner_team_id == team).limit(1)) is not None


async def uses_blob(session: AsyncSession, blob: str) -> bool:
    return await session.scalar(select(DocumentRow.seq).where(DocumentRow.blob == blob).limit(1)) is not None


async def related(session: AsyncSession, documents: Iterable[DocumentRow]) -> list[DocumentRow]:
    """These documents and all that could displace them or be displaced by them, through any chain of names."""
    found = {document.id: document for document in documents}
    names = CLOSURE_ROUNDS
    seen: set[str] = set()
    for _ in range(names):
        wanted = _names_of(found.values()) - seen
        if not wanted:
            break
        seen |= wanted
        for row in await session.scalars(select(DocumentRow).where(_named(wanted))):
            found.setdefault(row.id, row)
    return list(found.values())


def _names_of(documents: Iterable[DocumentRow]) -> set[str]:
    names: set[str] = set()
    for document in documents:
        names |= {document.filename.lower(), str(document.id), *(name.lower() for name in document.supersedes)}
    return names


def _named(names: Iterable[str]) -> ColumnElement[bool]:
    """Documents with one of the names, or that mention one in `supersedes`."""
    conditions: list[ColumnElement[bool]] = []
    bare = {name.rpartition("/")[2] for name in names}
    ids = [UUID(name) for name in names if _is_id(name)]
    conditions.append(func.lower(DocumentRow.filename).in_([*names, *bare]))
    if ids:
        conditions.append(DocumentRow.id.in_(ids))
    for name in sorted(bare):
        conditions.append(func.lower(DocumentRow.filename).endswith(f"/{name}", autoescape=True))
        conditions.append(
            and_(
                cast(DocumentRow.supersedes, Text) != "[]",
                func.lower(cast(DocumentRow.supersedes, Text)).contains(_as_json(name), autoescape=True),
            )
        )
    return or_(*conditions)


def _as_json(name: str) -> str:
    """How a name may stand inside a JSON text, whatever surrounds it: its longest plain part."""
    plain = "".join(character if character.isascii() and character not in '"\\' else "\n" for character in name)
    return max(plain.split("\n"), key=len)


def _is_id(name: str) -> bool:
    try:
        UUID(name)
    except ValueError:
        return False
    return True


async def read_before(session: AsyncSession) -> list[UUID]:
    """Documents that have been read in, or failed to be, the oldest first."""
    query = select(DocumentRow.id).where(DocumentRow.status.in_(("ready", "failed")))
    return list(await session.scalars(query.order_by(DocumentRow.created_at, DocumentRow.id)))


async def everything_dated(session: AsyncSession) -> list[DocumentRow]:
    """Documents whose standing depends on the time."""
    dated = or_(DocumentRow.effective_from.is_not(None), DocumentRow.effective_until.is_not(None))
    return list(await session.scalars(select(DocumentRow).where(dated)))


async def take_turn(session: AsyncSession) -> None:
    """Let one transaction of a tenant at a time decide what is in force; SQLite's writers stand in line anyway."""
    connection = await session.connection()
    if connection.dialect.name == "postgresql":
        await session.execute(
            text("SELECT pg_advisory_xact_lock(hashtext('documents'), hashtext(current_setting('app.tenant_id')))")
        )


def standing(row: DocumentRow) -> Standing:
    """A document counts as ready while the index holds it whole, also when it is being read in again."""
    return Standing(
        id=row.id,
        seq=row.seq,
        filename=row.filename,
        revision=row.revision,
        level=row.level,
        reach=row.reach,
        export=row.export,
        reach_export=frozenset(row.reach_export),
        team=row.owner_team_id,
        ready=row.indexed_by is not None,
        effective_from=row.effective_from,
        effective_until=row.effective_until,
        supersedes=tuple(row.supersedes),
    )


def facts(row: DocumentRow) -> DocumentFacts:
    return DocumentFacts(
        id=row.id,
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
        stage=cast_to("Stage", row.stage),
        approved=tuple(row.approved),
        approved_until=row.approved_until,
        export=cast_to("Regime", row.export),
        team=row.owner_team_id,
    )
