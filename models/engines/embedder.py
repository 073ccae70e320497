"""Sentence vectors, and late interaction over the same model's token vectors for reranking."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.engines.onnx import Session, Sliced
from models.engines.windows import CLS, SEP

EMBED_TOKENS = 256
"""What the model was trained to; a longer text is represented by its beginning."""

RERANK_TOKENS = 320
QUERY_TOKENS = 64


class Embedder:
    """`embed`: (n, width) float32 with L2 norm 1. `rerank`: one score a document, about 0 to 1, higher is closer."""

    def __init__(self, session: Session) -> None:
        package, self._session = session.package, session
        self.width = package.manifest.width
        self.name = package.manifest.name

    def count(self, texts: Sequence[str]) -> int:
        """Tokens of all texts together, as OpenAI's `usage` reports them."""
        return sum(len(self._session.tokens(text).ids) + 2 for text in texts)

    def embed(self, texts: Sequence[str]) -> Sliced[NDArray[np.float32]]:
        vectors = np.zeros((len(texts), self.width), np.float32)
        for index, text in enumerate(texts):
            vectors[index] = self._session.run(["sentence_embedding"], self._row(text, EMBED_TOKENS))[0]
            yield
        return vectors

    def rerank(self, query: str, documents: Sequence[str]) -> Sliced[list[float]]:
        """MaxSim: each query token meets its closest document token, weighted by how rare it is among the documents."""
        asked = self._row(query, QUERY_TOKENS)
        rows = [self._row(text, RERANK_TOKENS) for text in documents]
        weights = rarity(asked, rows)
        query_vectors = self._token_vectors(asked)
        scores: list[float] = []
        for row in rows:
            closest = (query_vectors @ self._token_vectors(row).T).max(axis=1)
            scores.append(float(weights @ closest))
            yield
        return scores

    def _row(self, text: str, longest: int) -> list[int]:
        return [CLS, *self._session.tokens(text).ids[: longest - 2], SEP]

    def _token_vectors(self, row: Sequence[int]) -> NDArray[np.float32]:
        vectors = self._session.run(["token_embeddings"], row)[0]
        unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
        return unit


def rarity(asked: Sequence[int], rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """Weights of the query's tokens, summing to 1: a token of every document says little; [CLS] and [SEP] nothing."""
    total = len(rows)
    seen = [set(row) for row in rows]
    held = np.array([sum(token in tokens for tokens in seen) for token in asked], np.float32)
    weights = np.log1p((total + 1) / (held + 1)) + 0.2
    weights[[0, -1]] = 0.0
    share: NDArray[np.float32] = (weights / max(float(weights.sum()), 1e-9)).astype(np.float32)
    return share
