"""A small library for searches: documents with their passages on the real store, and models of the port that need none.

Vectors are deterministic: a text points where the hashes of its words point, so that texts with common words are near.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.documents.values import DocumentFacts, Passage, PassageKind
from appliance.policy import PolicyEngine
from appliance.retrieval.engines import Engine, SqliteEngine
from appliance.retrieval.index import PassageIndex
from appliance.retrieval.service import Search
from appliance.retrieval.values import Found
from appliance.store import Admitted, Store, new_id
from models.client import ModelUnavailable

POLICY = PolicyEngine()


def unit_vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """One unit vector of 384 numbers a text, the same in every run."""
    rows = np.zeros((len(texts), 384), np.float32)
    for at, text in enumerate(texts):
        for word in text.lower().split() or [""]:
            seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "big")
            rows[at] += np.random.default_rng(seed).standard_normal(384).astype(np.float32)
    normal: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return normal


class Hashing:
    """A ranker that is up."""

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return unit_vectors(texts)

    async def rerank(self, query: str, documents: Sequence[str]) -> list[float]:
        vectors = unit_vectors([query, *documents])
        return [float(row @ vectors[0]) for row in vectors[1:]]


class Down:
    """A ranker whose server cannot be reached."""

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise ModelUnavailable("the model server cannot be reached")

    async def rerank(self, query: str, documents: Sequence[str]) -> list[float]:
        raise ModelUnavailable("the model server cannot be reached")


def facts(
    filename: str,
    *,
    level: int = 1,
    tags: Sequence[str] = (),
    acl: Sequence[str] = (),
    assets: Sequence[str] = (),
    in_force: bool = True,
    title: str = "",
    revision: str | None = None,
    doc_type: str | None = None,
) -> DocumentFacts:
    return DocumentFacts(
        new_id(), filename, revision, doc_type, level, tuple(tags), tuple(acl), tuple(assets), in_force, title
    )


def text_passage(text: str, *, ordinal: int = 0, kind: PassageKind = "text", heading: str = "") -> Passage:
    return Passage(ordinal, kind, heading, None, text, len(text.split()))


@dataclass
class Library:
    """Documents on a store, and a search over them."""

    store: Store
    admit: Callable[[], Admitted]
    engine: Engine = field(default_factory=SqliteEngine)

    @property
    def index(self) -> PassageIndex:
        return PassageIndex(self.engine)

    def writing(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction of its own; an admission has one only."""
        return self.store.open_session(self.admit(), write=True)

    def reading(self) -> AbstractAsyncContextManager[AsyncSession]:
        return self.store.open_session(self.admit())

    async def put(
        self, document: DocumentFacts, *passages: str | Passage, vectors: NDArray[np.float32] | None = None
    ) -> DocumentFacts:
        made = [text_passage(item, ordinal=at) if isinstance(item, str) else item for at, item in enumerate(passages)]
        async with self.writing() as session:
            if vectors is None:
                vectors = unit_vectors([item.text for item in made])
            await self.index.replace(session, document, made, vectors)
        return document

    def search(self, ranker: Hashing | Down | None = None) -> Search:
        return Search(self.store, self.engine, POLICY, ranker or Hashing())

    async def find(self, who: Admitted, question: str, ranker: Hashing | Down | None = None) -> Found:
        return await self.search(ranker).first(who, question)


def shown(found: Found) -> list[str]:
    """The filenames of all that a search gave, asked-for machines first, each once."""
    return list(dict.fromkeys(hit.document.filename for hit in (*found.hits, *found.others)))
