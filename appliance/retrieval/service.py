"""Search: the first passages fast, then the same passages in a better order."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from appliance.policy import Resource
from appliance.retrieval import rules, store
from appliance.retrieval.identifiers import Identifier, identifiers, spoken, variants
from appliance.retrieval.tables import PassageRow
from appliance.retrieval.values import Asked, Filters, Found, Hit
from appliance.tracing import span
from models.client import ModelUnavailable

if TYPE_CHECKING:
    from uuid import UUID

    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncSession

    from appliance.documents.values import DocumentFacts
    from appliance.policy import Policies
    from appliance.retrieval.engines import Engine
    from appliance.retrieval.ports import Ranker
    from appliance.store import Admitted, Store

WORDS_LIMIT = 60
MEANING_LIMIT = 40
CANDIDATES = 24
"""How many passages a search keeps."""
RERANKED = 24
"""How many the reranker orders anew at most; those after stay where they were."""
MOST_PASSAGES = 1_000_000
"""More than any document has."""
MANY = 500
"""Values in one IN."""
ASK = "chat.ask"
_CARELESS = re.compile(r"[A-Za-z][\s-]?\d")

log = structlog.get_logger(__name__)


class Search:
    """Finds passages for a person's question, within what the policies let them read.

    Args:
        store: where the tenant's passages are.
        engine: the searches of that store's database.
        policy: filters lists and checks each row again.
        ranker: the small models; while they are down, words alone decide.
    """

    def __init__(self, store: Store, engine: Engine, policy: Policies, ranker: Ranker) -> None:
        self._store = store
        self._engine = engine
        self._policy = policy
        self._ranker = ranker

    async def first(
        self, admitted: Admitted, question: str, *, top_k: int = CANDIDATES, filters: Filters | None = None
    ) -> Found:
        """The passages for `question` before any reranking, best first; never waits long for the models."""
        began = time.perf_counter()
        embedding = asyncio.create_task(self._embedded(question))
        try:
            with span("retrieval.first") as told:
                async with self._store.open_session(admitted) as session:
                    found = await self._first(
                        session, admitted, question, embedding, top_k, filters or Filters(), began
                    )
                told.says(passages=len(found.hits), by_meaning=found.served_by != "words only")
                return found
        finally:
            embedding.cancel()

    async def _first(
        self,
        session: AsyncSession,
        admitted: Admitted,
        question: str,
        embedding: asyncio.Task[NDArray[np.float32] | None],
        top_k: int,
        filters: Filters,
        began: float,
    ) -> Found:
        condition = store.visible(self._policy.scope(admitted.principal, admitted.action), filters)
        reach = store.reachable(condition)
        asked = await self._asked(session, question, condition)
        keys = [asked.corrected.get(term.key, term.key) for term in asked.terms]
        assets = [item.key for item in asked.assets]
        words: dict[int, float] = {}
        meaning: dict[int, float] = {}
        # With an asset in the question its own passages are searched first, or a sister's may crowd them out.
        for required in [assets, []] if assets else [[]]:
            wanted = rules.wanted(keys, required=required)
            for id_, score in await self._engine.words(session, wanted, reach, WORDS_LIMIT) if keys else ():
                words.setdefault(id_, score)
        vector = await embedding
        if vector is not None:
            for required in [assets, []] if assets else [[]]:
                within = reach
                if required:
                    within = reach.where(PassageRow.id.in_(self._engine.holding(required)))
                for id_, cosine in await self._engine.meaning(session, vector, within, MEANING_LIMIT):
                    meaning.setdefault(id_, cosine)
        scores = rules.fused(list(words), list(meaning))
        rows = await store.fetch(session, list(scores), condition)
        hits = [
            Hit(id_, *rows[id_], score=score, words=words.get(id_), meaning=meaning.get(id_))
            for id_, score in sorted(scores.items(), key=lambda item: (-item[1], item[0]))
            if id_ in rows
        ]
        hits = self._permitted(admitted, hits)
        able = [hit for hit in hits if rules.speaks_for(asked.assets, hit.document, hit.passage)]
        return Found(
            asked=asked,
            hits=tuple(able[:top_k]),
            others=tuple(hit for hit in hits if hit not in able)[:top_k],
            served_by="words only" if vector is None else "words and meaning",
            ms=(time.perf_counter() - began) * 1000,
        )

    async def reranked(self, found: Found) -> Found:
        """The same hits in the reranker's order; unchanged while the models are down."""
        everything = found.hits or found.others
        pool, rest = everything[:RERANKED], everything[RERANKED:]
        if len(pool) < 2:
            return found
        try:
            with span("retrieval.rerank", passages=len(pool)):
                scores = await self._ranker.rerank(found.asked.text, [context_of(hit) for hit in pool])
        except ModelUnavailable:
            log.warning("reranking left out: the model server cannot be reached")
            return found
        mixed = rules.blended([hit.score for hit in pool], scores)
        ranked = [
            replace(hit, score=score, rerank=rerank) for hit, score, rerank in zip(pool, mixed, scores, strict=True)
        ]
        ranked.sort(key=lambda hit: (-hit.score, hit.id))
        lowest = ranked[-1].score
        ranked += [replace(hit, score=min(hit.score, lowest)) for hit in rest]
        return replace(found, hits=tuple(ranked)) if found.hits else replace(found, others=tuple(ranked))

    async def around(self, admitted: Admitted, hit: Hit, *, reach: int = 2) -> tuple[Hit, ...]:
        """`hit` and its neighbours in the same document, in reading order, if they may still be read."""
        async with self._store.open_session(admitted) as session:
            condition = store.visible(self._policy.scope(admitted.principal, admitted.action), Filters())
            rows = await store.section(session, hit.document.id, hit.passage.ordinal, reach=reach, condition=condition)
        return tuple(hit if id_ == hit.id else replace(hit, id=id_, passage=item) for id_, item in rows)

    async def documents(self, admitted: Admitted) -> tuple[UUID, ...]:
        """The documents in force that may be read, in the order they came."""
        async with self._store.open_session(admitted) as session:
            return tuple(await store.documents(session, self._visible(admitted)))

    async def whole(self, admitted: Admitted, document_id: UUID) -> tuple[Hit, ...]:
        """All passages of a document in reading order, scored 0; none where it is not in force or may not be read."""
        condition = self._visible(admitted)
        async with self._store.open_session(admitted) as session:
            rows = await store.section(session, document_id, 0, reach=MOST_PASSAGES, condition=condition)
            source = await store.source_of(session, document_id)
        if source is None:
            return ()
        document = store.facts(source)
        return tuple(self._permitted(admitted, [Hit(id_, document, item, score=0.0) for id_, item in rows]))

    async def readable(self, admitted: Admitted, passage_ids: Sequence[int]) -> frozenset[int]:
        """Those of these passages that are in force and may be read."""
        condition = self._visible(admitted)
        found: list[Hit] = []
        async with self._store.open_session(admitted) as session:
            for at in range(0, len(passage_ids), MANY):
                rows = await store.fetch(session, passage_ids[at : at + MANY], condition)
                found += [Hit(id_, *row, score=0.0) for id_, row in rows.items()]
        return frozenset(hit.id for hit in self._permitted(admitted, found))

    async def open_to(self, admitted: Admitted, document_ids: Iterable[UUID]) -> dict[UUID, int]:
        """Those of the documents, in force or replaced, that would still answer this person, each with its class."""
        condition = store.within(self._policy.scope(admitted.principal, ASK))
        wanted = list(document_ids)
        found: list[DocumentFacts] = []
        async with self._store.open_session(admitted) as session:
            for at in range(0, len(wanted), MANY):
                found += await store.sources(session, wanted[at : at + MANY], condition)
        resources = [Resource("document", str(one.id), one.attributes) for one in found]
        allowed = self._policy.permits(admitted.principal, ASK, resources)
        return {one.id: one.level for one, may in zip(found, allowed, strict=True) if may}

    def _visible(self, admitted: Admitted) -> ColumnElement[bool]:
        return store.visible(self._policy.scope(admitted.principal, admitted.action), Filters())

    async def _asked(self, session: AsyncSession, question: str, condition: ColumnElement[bool]) -> Asked:
        """Read the question with the tenant's own vocabulary: its assets, and the spelling of its words."""
        named = list(identifiers(question))
        if _CARELESS.search(question):
            known = await store.known_assets(session, condition)
            taken = {item.start for item in named}
            named += [item for item in spoken(question, known) if item.start not in taken]
        named = [item for item in named if item.kind != "name"]
        inside = [(item.start, item.end) for item in named]
        words = tuple(
            term
            for term in rules.searchable(question)
            if term.kind == "identifier" or not any(start <= term.start < end for start, end in inside)
        )
        frequency = await self._engine.frequency(
            session, [*(term.key for term in words), *(item.key for item in named)]
        )
        indexed = [await self._as_indexed(session, item, frequency) for item in named]
        corrected = {item.key: other.key for item, other in zip(named, indexed, strict=True) if item.key != other.key}
        for term in words:
            if term.kind == "word" and term.key not in frequency and len(term.key) >= rules.CORRECTED_LENGTH:
                better = rules.correction(term.key, await self._engine.beginning_with(session, term.key[:2]))
                if better is None:
                    # A slip in the ending escapes the stemmer: `bearnig` is not even near `bear`.
                    stems = rules.stems_one_slip_away(question[term.start : term.end])
                    held = await self._engine.frequency(session, stems)
                    better = max(held, key=lambda key: (held[key], key), default=None)
                if better is not None:
                    corrected[term.key] = better
        frequency |= await self._engine.frequency(session, list(corrected.values()))
        return Asked(question, words, tuple(indexed), corrected, frequency, await store.count(session))

    async def _as_indexed(self, session: AsyncSession, item: Identifier, frequency: dict[str, int]) -> Identifier:
        """The same identifier as documents write it: `E-417` where only `E-0417` exists."""
        if item.key in frequency or item.kind == "thread":
            return item
        other = await self._engine.frequency(session, variants(item.key))
        if not other:
            return item
        key = max(other, key=lambda candidate: other[candidate])
        frequency |= other
        return replace(item, key=key)

    async def _embedded(self, question: str) -> NDArray[np.float32] | None:
        try:
            vectors = await self._ranker.embed([question])
        except ModelUnavailable:
            log.warning("searching by words only: the model server cannot be reached")
            return None
        first: NDArray[np.float32] = vectors[0]
        return first

    def _permitted(self, admitted: Admitted, hits: Sequence[Hit]) -> list[Hit]:
        """The policies once more, row by row: the filter in SQL was compiled from them, this asks them."""
        documents = {hit.document.id: hit.document for hit in hits}
        resources = [Resource("document", str(document.id), document.attributes) for document in documents.values()]
        allowed = self._policy.permits(admitted.principal, admitted.action, resources)
        readable = {id_ for id_, may in zip(documents, allowed, strict=True) if may}
        return [hit for hit in hits if hit.document.id in readable]


def context_of(hit: Hit) -> str:
    """A passage with its place before it, as the small models read it."""
    place = place_of(hit)
    return f"{place}\n{hit.passage.text}" if place else hit.passage.text


def place_of(hit: Hit) -> str:
    """The headings of a passage, after the document's title where they do not hold it."""
    title, heading = hit.document.title, hit.passage.heading
    if not title or title.lower() in heading.lower():
        return heading
    return f"{title} > {heading}" if heading else title
