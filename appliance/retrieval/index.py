"""The index as documents fills it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from appliance.retrieval import store
from appliance.retrieval.engines import Columns, Engine
from appliance.retrieval.rules import keys_in, keys_of
from appliance.retrieval.terms import column, exact_column

if TYPE_CHECKING:
    from uuid import UUID

    import numpy as np
    from numpy.typing import NDArray
    from sqlalchemy.ext.asyncio import AsyncSession

    from appliance.documents.values import DocumentFacts, Passage


class PassageIndex:
    """Implements `appliance.documents.ports.Index`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def replace(
        self, session: AsyncSession, document: DocumentFacts, passages: Sequence[Passage], vectors: NDArray[np.float32]
    ) -> None:
        """Make `passages` the only passages of the document; `vectors` is (len(passages), 384), L2-normalised."""
        if len(passages) != len(vectors):
            raise ValueError(f"{len(passages)} passages and {len(vectors)} vectors do not match")
        source_id = await store.put_source(session, document)
        await self._forget(session, source_id)
        ids = await store.put_passages(session, source_id, passages)
        await self._engine.write(session, ids, [columns_of(document, item) for item in passages], vectors)

    async def renew(self, session: AsyncSession, document: DocumentFacts, vectors: NDArray[np.float32]) -> None:
        """Make the entries of the document's passages anew; passages and their numbers stay. One vector a passage, in order."""
        rows = await store.passages_of(session, document.id)
        if len(rows) != len(vectors):
            raise ValueError(f"{len(rows)} passages and {len(vectors)} vectors do not match")
        ids = [id_ for id_, _ in rows]
        await self._engine.erase(session, ids)
        await self._engine.write(session, ids, [columns_of(document, item) for _, item in rows], vectors)

    async def remove(self, session: AsyncSession, document_id: UUID) -> None:
        """Forget every passage of the document; a document without passages is no error."""
        known = await store.source_of(session, document_id)
        if known is None:
            return
        await self._forget(session, known.id)
        await store.drop_source(session, known.id)

    async def update(self, session: AsyncSession, document: DocumentFacts) -> None:
        """Bring what is known of the document in line; the words of its passages are only touched if names changed."""
        known = await store.source_of(session, document.id)
        if known is None:
            return
        before = store.facts(known)
        await store.put_source(session, document)
        if _source_column(before) == _source_column(document):
            return
        rows = await store.passages_of(session, document.id)
        ids = [id_ for id_, _ in rows]
        await self._engine.erase(session, ids, vectors=False)
        await self._engine.write(session, ids, [columns_of(document, item) for _, item in rows], None)

    async def preview(
        self, session: AsyncSession, document_id: UUID, *, start: int = 0, limit: int = 20
    ) -> list[Passage]:
        """The document's passages in order, from ordinal `start`, at most `limit`."""
        return [item for _, item in await store.passages_of(session, document_id, start=start, limit=limit)]

    async def _forget(self, session: AsyncSession, source_id: int) -> None:
        await self._engine.erase(session, await store.ids_of(session, source_id))
        await store.drop_passages(session, source_id)


def columns_of(document: DocumentFacts, passage: Passage) -> Columns:
    """What the text index holds of a passage."""
    return Columns(
        exact=exact_column(passage.text),
        body=column(passage.text),
        heading=f"{column(passage.heading)} {exact_column(passage.heading)}".strip(),
        source=_source_column(document),
    )


def _source_column(document: DocumentFacts) -> str:
    names = " ".join(
        (document.title, document.filename.rpartition(".")[0] or document.filename, document.doc_type or "")
    )
    keys = sorted(keys_in(document.title, document.filename) | keys_of(document.assets))
    return " ".join((column(names.replace("_", " ")), *keys)).strip()
