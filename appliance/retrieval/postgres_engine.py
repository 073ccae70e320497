"""The searches of a hub: BM25 over a table of postings, and pgvector.

PostgreSQL's own full-text search is not used. Under row-level security only leakproof operators may use an index, and
`@@` is none, so that a search would read every passage of the tenant; and its ranks know nothing of how rare a word is.
The scores here are those of FTS5's `bm25()` with the same weights, so that what is learnt about them holds on both.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Float,
    Integer,
    Select,
    String,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal,
    literal_column,
    select,
    text,
    values,
)

from appliance.retrieval.engines import Columns
from appliance.retrieval.tables import PassagePosting, PassageRow
from appliance.retrieval.values import Wanted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy.ext.asyncio import AsyncSession

WEIGHTS: Final = {"exact": 4.0, "body": 1.0, "heading": 1.5, "source": 1.0}
K1: Final = 1.2
B: Final = 0.75
RAREST: Final = 1e-6
"""What a word weighs that more than half of all passages hold."""
LONGEST_KEY: Final = 200
"""Characters of a term in the index; what is longer is no word, and an index entry has an end."""
EXACT_UP_TO: Final = 2_000
"""Passages within reach that are compared one by one. Among more the HNSW graph is walked."""
WALKED_AT_MOST: Final = 200_000
"""Passages that a walk looks at, those of other tenants and those out of reach among them, before it gives up."""

_TERMS: Final[ColumnElement[int]] = literal_column("passages.terms", Integer)


class PostgresEngine:
    """Implements `engines.Engine` on the tables `passage_postings` and `passages`."""

    async def write(
        self, session: AsyncSession, ids: Sequence[int], columns: Sequence[Columns], vectors: NDArray[np.float32] | None
    ) -> None:
        if not ids:
            return
        counted = [_weighed(item) for item in columns]
        rows = [
            (key, id_, weight, length)
            for id_, (weights, length) in zip(ids, counted, strict=True)
            for key, weight in weights
        ]
        if rows:
            await session.execute(
                text(
                    "INSERT INTO passage_postings (term, passage_id, weight, length) SELECT * FROM unnest("
                    " CAST(:terms AS text[]), CAST(:ids AS bigint[]), CAST(:weights AS real[]),"
                    " CAST(:lengths AS integer[]))"
                ),
                {name: [row[at] for row in rows] for at, name in enumerate(("terms", "ids", "weights", "lengths"))},
            )
        await session.execute(
            text("UPDATE passages SET terms = :length WHERE id = :id"),
            [{"id": id_, "length": length} for id_, (_, length) in zip(ids, counted, strict=True)],
        )
        if vectors is not None:
            await session.execute(
                text("UPDATE passages SET embedding = CAST(:vector AS vector) WHERE id = :id"),
                [{"id": id_, "vector": _vector(row)} for id_, row in zip(ids, vectors, strict=True)],
            )

    async def erase(self, session: AsyncSession, ids: Sequence[int], *, vectors: bool = True) -> None:
        if not ids:
            return
        await session.execute(text("DELETE FROM passage_postings WHERE passage_id = ANY(:ids)"), {"ids": list(ids)})
        if vectors:
            await session.execute(text("UPDATE passages SET embedding = NULL WHERE id = ANY(:ids)"), {"ids": list(ids)})

    async def words(
        self, session: AsyncSession, wanted: Wanted, within: Select[int], limit: int
    ) -> list[tuple[int, float]]:
        # As in FTS5, a key that stands in both lists counts twice.
        rest = any(key not in wanted.required for key in wanted.any_of)
        times = Counter((*(wanted.any_of if rest or not wanted.required else ()), *wanted.required))
        held = await self.frequency(session, list(times))
        if not held:
            return []
        count, average = (await session.execute(select(func.count(), func.avg(_TERMS)).select_from(PassageRow))).one()
        asked = values(column("key", Text), column("idf", Float), name="asked").data(
            [(key, times[key] * _idf(number, count)) for key, number in held.items()]
        )
        weight = cast(PassagePosting.weight, Float)
        length = PassagePosting.length / max(float(average), 1.0)
        score = func.sum(asked.c.idf * weight * (K1 + 1) / (weight + K1 * (1 - B + B * length)))
        query = (
            select(PassagePosting.passage_id, score.label("score"))
            .join(asked, asked.c.key == PassagePosting.term)
            .where(PassagePosting.passage_id.in_(within))
            .group_by(PassagePosting.passage_id)
            .order_by(text("score DESC"), PassagePosting.passage_id)
            .limit(limit)
        )
        if wanted.required:
            query = query.where(PassagePosting.passage_id.in_(self.holding(wanted.required)))
            if rest:
                query = query.where(PassagePosting.passage_id.in_(self.holding(wanted.any_of)))
        return [(int(id_), float(found)) for id_, found in await session.execute(query)]

    async def meaning(
        self, session: AsyncSession, vector: NDArray[np.float32], within: Select[int], limit: int
    ) -> list[tuple[int, float]]:
        some = within.limit(EXACT_UP_TO + 1).subquery()
        few = (await session.scalar(select(func.count()).select_from(some)) or 0) <= EXACT_UP_TO
        distance: Any = column("embedding").op("<=>")(text("CAST(:vector AS vector)"))
        nearest = select(PassageRow.id, distance.label("distance")).where(
            PassageRow.id.in_(within), text("embedding IS NOT NULL")
        )
        if few:
            # A sum is no expression of the index: everything within reach is compared.
            nearest = nearest.order_by(distance + literal(0.0), PassageRow.id)
        else:
            await session.execute(
                text(
                    "SELECT set_config('hnsw.iterative_scan', 'strict_order', true),"
                    " set_config('hnsw.max_scan_tuples', :most, true)"
                ),
                {"most": str(WALKED_AT_MOST)},
            )
            nearest = nearest.order_by(distance)
        rows = await session.execute(nearest.limit(limit), {"vector": _vector(vector)})
        return [(int(id_), 1.0 - float(far)) for id_, far in rows]

    def holding(self, keys: Sequence[str]) -> Select[int]:
        return select(PassagePosting.passage_id).where(PassagePosting.term.in_(keys))

    async def frequency(self, session: AsyncSession, keys: Sequence[str]) -> dict[str, int]:
        known = [key for key in dict.fromkeys(keys) if _is_kept(key)]
        if not known:
            return {}
        query = (
            select(PassagePosting.term, func.count())
            .where(PassagePosting.term == func.any(bindparam("keys", known, type_=ARRAY(String))))
            .group_by(PassagePosting.term)
        )
        return {term: int(number) for term, number in await session.execute(query)}

    async def beginning_with(self, session: AsyncSession, prefix: str) -> dict[str, int]:
        query = (
            select(PassagePosting.term, func.count())
            .where(PassagePosting.term >= prefix, PassagePosting.term < prefix[:-1] + chr(ord(prefix[-1]) + 1))
            .group_by(PassagePosting.term)
        )
        return {term: int(number) for term, number in await session.execute(query)}


def _weighed(item: Columns) -> tuple[list[tuple[str, float]], int]:
    """The weight of each key of a passage, and how many keys it has, each as often as it stands there."""
    weights: defaultdict[str, float] = defaultdict(float)
    length = 0
    for name, weight in WEIGHTS.items():
        keys = [key for key in getattr(item, name).split() if _is_kept(key)]
        length += len(keys)
        for key in keys:
            weights[key] += weight
    return list(weights.items()), length


def _is_kept(key: str) -> bool:
    return len(key) <= LONGEST_KEY and "\x00" not in key


def _idf(holding: int, count: int) -> float:
    """Robertson and Sparck Jones, as FTS5 has it. Passages may come in between the two counts."""
    return max(math.log((max(count - holding, 0) + 0.5) / (holding + 0.5)), RAREST)


def _vector(row: NDArray[np.float32]) -> str:
    return f"[{','.join(f'{value:.7g}' for value in row.tolist())}]"
