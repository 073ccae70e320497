"""Which words of a passage mean about the same as a word of the question, by the embedder's vectors of single words.

`screech` and `squeal`, `goggles` and `glasses`: a glossary never ends. A cosine of .4 between two words means little and
.8 nearly the same; in between it counts in part. Opposites are close too (`minimum`, `maximum`), so this only ever says
how far a passage *speaks of* what was asked; `opposed` and the rules for rows decide what it says.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from appliance.retrieval.terms import terms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from appliance.answers.question import Word

LOWEST, HIGHEST, MOST = 0.42, 0.8, 0.85
KEPT = 6000
"""Vectors kept in memory (float16, 5 MB)."""


class WordVectors(Protocol):
    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One L2-normalised row per text."""


class Kinship:
    """Compares words; remembers the vectors of those seen lately."""

    def __init__(self, vectors: WordVectors) -> None:
        self._vectors = vectors
        self._known: OrderedDict[str, NDArray[np.float16]] = OrderedDict()

    async def between(self, words: Iterable[Word], texts: Iterable[str]) -> dict[str, dict[str, float]]:
        """For each word the keys of words in `texts` that are akin to it, with their share (0..1).

        Raises:
            ModelUnavailable: the embedder cannot be reached.
        """
        asked = {word.key: word.written.lower() for word in words if word.written.isalpha()}
        there = written(texts)
        if not asked or not there:
            return {}
        await self._learn([*asked.values(), *there.values()])
        others = np.stack([self._known[item] for item in there.values()]).astype(np.float32)
        kin: dict[str, dict[str, float]] = {}
        for key, word in asked.items():
            cosines = others @ self._known[word].astype(np.float32)
            kin[key] = {
                other: share
                for other, cosine in zip(there, cosines, strict=True)
                if (share := share_of(float(cosine))) > 0
            }
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        return kin

    async def _learn(self, words: Sequence[str]) -> None:
        new = [word for word in dict.fromkeys(words) if word not in self._known]
        if new:
            for word, row in zip(new, await self._vectors.embed(new), strict=True):
                self._known[word] = row.astype(np.float16)
        for word in words:
            self._known.move_to_end(word)


def written(texts: Iterable[str]) -> Mapping[str, str]:
    """For the key of each telling word in `texts` how it is written."""
    found: dict[str, str] = {}
    for text in texts:
        for term in terms(text):
            if term.kind == "word" and not term.is_stop and term.end - term.start > 2:
                found.setdefault(term.key, text[term.start : term.end].lower())
    return found


def share_of(cosine: float) -> float:
    """How far a word counts for another: nothing up to `LOWEST`, `MOST` from `HIGHEST` on."""
    return max(0.0, min(1.0, (cosine - LOWEST) / (HIGHEST - LOWEST))) * MOST
