"""The searches, in the words of each database.

A search returns ids with scores, best first, among the passages of a subquery of ids: the filter stands inside the
query, so that what may not be seen takes no place among the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from sqlalchemy import Select, bindparam, column, literal_column, select, table, text

from appliance.retrieval.values import Wanted

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlalchemy.ext.asyncio import AsyncSession

INT8_SCALE = 508.0
"""A coordinate of a unit vector in 384 dimensions is about .05; a quarter or more is clipped (cosine stays .999)."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What the text index holds of one passage; each is a list of keys joined by blanks."""

    exact: str
    body: str
    heading: str
    source: str


class Engine(Protocol):
    """Text and vector index of one database. Everything happens inside the session's transaction."""

    async def write(
        self, session: AsyncSession, ids: Sequence[int], columns: Sequence[Columns], vectors: NDArray[np.float32] | None
    ) -> None:
        """Index new passages. `vectors` is (len(ids), 384), L2-normalised; None leaves vectors as they are."""

    async def erase(self, session: AsyncSession, ids: Sequence[int], *, vectors: bool = True) -> None:
        """Forget passages, leaving nothing of their text behind; `vectors=False` keeps their vectors."""

    async def words(
        self, session: AsyncSession, wanted: Wanted, within: Select[int], limit: int
    ) -> list[tuple[int, float]]:
        """Passages that match, by BM25; larger is better, never below 0."""

    async def meaning(
        self, session: AsyncSession, vector: NDArray[np.float32], within: Select[int], limit: int
    ) -> list[tuple[int, float]]:
        """Nearest passages by cosine (-1..1)."""

    def holding(self, keys: Sequence[str]) -> Select[int]:
        """Ids of passages that hold one of the keys, to narrow another search."""

    async def frequency(self, session: AsyncSession, keys: Sequence[str]) -> dict[str, int]:
        """How many passages hold each key; a key that none holds is left out."""

    async def beginning_with(self, session: AsyncSession, prefix: str) -> dict[str, int]:
        """All keys with this prefix and how many passages hold them."""


class SqliteEngine:
    """FTS5 and sqlite-vec in the tenant's file."""

    async def write(
        self, session: AsyncSession, ids: Sequence[int], columns: Sequence[Columns], vectors: NDArray[np.float32] | None
    ) -> None:
        if not ids:
            return
        await session.execute(
            text(
                "INSERT INTO passage_terms(rowid, exact, body, heading, source) "
                "VALUES (:id, :exact, :body, :heading, :source)"
            ),
            [
                {"id": id_, "exact": item.exact, "body": item.body, "heading": item.heading, "source": item.source}
                for id_, item in zip(ids, columns, strict=True)
            ],
        )
        if vectors is None:
            return
        await session.execute(
            text("INSERT INTO passage_vectors(passage_id, embedding) VALUES (:id, vec_int8(:vector))"),
            [{"id": id_, "vector": row.tobytes()} for id_, row in zip(ids, _int8(vectors), strict=True)],
        )

    async def erase(self, session: AsyncSession, ids: Sequence[int], *, vectors: bool = True) -> None:
        if not ids:
            return
        rows = [{"id": id_} for id_ in ids]
        await session.execute(text("DELETE FROM passage_terms WHERE rowid = :id"), rows)
        if vectors:
            await session.execute(text("DELETE FROM passage_vectors WHERE passage_id = :id"), rows)

    async def words(
        self, session: AsyncSession, wanted: Wanted, within: Select[int], limit: int
    ) -> list[tuple[int, float]]:
        terms = table("passage_terms", column("rowid"), column("rank"))
        # The plus keeps SQLite from asking the text index once for each id that is allowed.
        query = (
            select(terms.c.rowid, terms.c.rank)
            .where(text("passage_terms MATCH :expression"), literal_column("+passage_terms.rowid").in_(within))
            .order_by(terms.c.rank)
            .limit(limit)
        )
        rows = await session.execute(query, {"expression": match_expression(wanted)})
        return [(int(id_), max(0.0, -float(rank))) for id_, rank in rows]

    async def meaning(
        self, session: AsyncSession, vector: NDArray[np.float32], within: Select[int], limit: int
    ) -> list[tuple[int, float]]:
        vectors = table("passage_vectors", column("passage_id"), column("distance"), column("k"))
        query = select(vectors.c.passage_id, vectors.c.distance).where(
            text("embedding MATCH vec_int8(:vector)"),
            vectors.c.k == bindparam("nearest"),
            vectors.c.passage_id.in_(within),
        )
        values = {"vector": _int8(vector[np.newaxis])[0].tobytes(), "nearest": limit}
        return [(int(id_), 1.0 - float(distance)) for id_, distance in await session.execute(query, values)]

    def holding(self, keys: Sequence[str]) -> Select[int]:
        terms = table("passage_terms", column("rowid"))
        clause = text("passage_terms MATCH :required").bindparams(required=match_expression(Wanted(tuple(keys))))
        return select(terms.c.rowid).where(clause)

    async def frequency(self, session: AsyncSession, keys: Sequence[str]) -> dict[str, int]:
        query = text("SELECT term, doc FROM passage_vocabulary WHERE term IN :keys")
        query = query.bindparams(bindparam("keys", expanding=True))
        rows = await session.execute(query, {"keys": list(dict.fromkeys(keys))})
        return {term: int(doc) for term, doc in rows}

    async def beginning_with(self, session: AsyncSession, prefix: str) -> dict[str, int]:
        query = text("SELECT term, doc FROM passage_vocabulary WHERE term >= :low AND term < :high")
        rows = await session.execute(query, {"low": prefix, "high": prefix[:-1] + chr(ord(prefix[-1]) + 1)})
        return {term: int(doc) for term, doc in rows}


def match_expression(wanted: Wanted) -> str:
    """The FTS5 query."""
    any_of = _any(wanted.any_of)
    if not wanted.required:
        return any_of
    rest = [key for key in wanted.any_of if key not in wanted.required]
    return f"({_any(wanted.required)}) AND ({any_of})" if rest else f"({_any(wanted.required)})"


def _any(keys: Sequence[str]) -> str:
    return " OR ".join('"' + key.replace('"', '""') + '"' for key in keys)


def _int8(vectors: NDArray[np.float32]) -> NDArray[np.int8]:
    scaled: NDArray[np.int8] = np.clip(np.round(vectors * INT8_SCALE), -127, 127).astype(np.int8)
    return scaled
