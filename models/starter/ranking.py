"""How well paragraphs are ordered: by words, by late interaction, by the reader as a cross-encoder, and by blends of them.

Each question of held-out articles meets the 20 paragraphs of all those articles that BM25 puts first; it counts where its own
paragraph ends up. Scores are scaled to 0..1 over the 20 before they are mixed, as the search does it.
"""

import math
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.engines.embedder import Embedder
from models.engines.onnx import finish
from models.engines.reader import Reader
from models.starter.squad import Article

CANDIDATES = 20
K1, B = 1.2, 0.75
"""Of BM25 (Robertson and Zaragoza, 2009), as SQLite's FTS5 has them."""
_WORD = re.compile(r"\w+")
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ranked:
    """`hit`: share of questions whose paragraph stands first. `mrr`: the mean of one over its place."""

    name: str
    hit: float
    mrr: float


class Bm25:
    """Over a fixed list of texts; a score a text, higher is closer."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._counts = [Counter(_WORD.findall(text.lower())) for text in texts]
        lengths = np.array([sum(counts.values()) for counts in self._counts])
        self._norm = K1 * (1 - B + B * lengths / lengths.mean())
        self._held = Counter(word for counts in self._counts for word in counts)

    def scores(self, question: str) -> Scores:
        total = np.zeros(len(self._counts))
        for word in set(_WORD.findall(question.lower())):
            often = np.array([counts[word] for counts in self._counts])
            rare = math.log(1 + (len(self._counts) - self._held[word] + 0.5) / (self._held[word] + 0.5))
            total += rare * often * (K1 + 1) / (often + self._norm)
        return total


def ranking(
    articles: Sequence[Article], embedder: Embedder, reader: Reader, *, count: int, seed: int = 5
) -> list[Ranked]:
    """Measure on `count` questions whose paragraph is among the candidates."""
    paragraphs = [paragraph for article in articles for paragraph in article.paragraphs]
    texts = [one.text for one in paragraphs]
    asked = [(question, at) for at, one in enumerate(paragraphs) for question, _ in one.questions]
    random.Random(seed).shuffle(asked)
    words = Bm25(texts)
    places: dict[str, list[int]] = {}
    for question, own in asked:
        found = words.scores(question)
        pool = np.argsort(-found, kind="stable")[:CANDIDATES]
        if own not in pool:
            continue
        first, documents = _scaled(found[pool]), [texts[at] for at in pool]
        late = _scaled(np.array(finish(embedder.rerank(question, documents))))
        cross = np.array([one.answerable for one in finish(reader.read(question, documents))])
        orders = {
            "words (BM25)": first,
            "late interaction (MaxSim)": late,
            "reader": cross,
            "words + MaxSim, as shipped": 0.35 * first + 0.65 * late,
            "words + reader": 0.35 * first + 0.65 * _scaled(cross),
            "words + MaxSim + reader": 0.2 * first + 0.4 * late + 0.4 * _scaled(cross),
        }
        at = int(np.flatnonzero(pool == own)[0])
        for name, scores in orders.items():
            places.setdefault(name, []).append(1 + int((scores > scores[at]).sum()))
        if len(places["reader"]) == count:
            break
    return [
        Ranked(name, float(np.mean(np.array(one) == 1)), float(np.mean(1 / np.array(one))))
        for name, one in places.items()
    ]


def _scaled(scores: Scores) -> Scores:
    least, most = float(scores.min()), float(scores.max())
    return (scores - least) / (most - least) if most > least else np.zeros_like(scores)
