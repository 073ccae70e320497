"""Whether a text gives orders to a model: a small head over sentence vectors, the highest of overlapping windows counts.

text -> windows of WINDOW tokens -> sentence vectors (the embedder's) -> relu layer -> chance of an injection
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from models.engines.onnx import Session, Sliced
from models.engines.windows import CLS, SEP
from models.package import Package

WINDOW, OVERLAP = 40, 20
"""Tokens; an order hidden in a page must not be thinned by what stands around it."""

LABELS = ("benign", "injection")


@dataclass(frozen=True, slots=True)
class Head:
    """`first` (width, hidden), `first_bias` (hidden,), `last` (hidden,), `last_bias` ()."""

    first: NDArray[np.float32]
    first_bias: NDArray[np.float32]
    last: NDArray[np.float32]
    last_bias: NDArray[np.float32]

    def chances(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """One chance a row of (n, width) vectors."""
        hidden = np.maximum(vectors @ self.first + self.first_bias, 0)
        logits = np.clip(hidden @ self.last + self.last_bias, -30, 30)
        chances: NDArray[np.float32] = (1 / (1 + np.exp(-logits))).astype(np.float32)
        return chances


def head_of(package: Package) -> Head:
    tensors = {
        name: tensor.astype(np.float32) for name, tensor in load_file(package.folder / "head.safetensors").items()
    }
    return Head(tensors["first"], tensors["first_bias"], tensors["last"], tensors["last_bias"])


def spread(count: int, longest: int = WINDOW, overlap: int = OVERLAP) -> list[tuple[int, int]]:
    """First and last token of windows that cover `count` tokens, as alike in length as they can be."""
    if count <= longest:
        return [(0, count)]
    number = -(-(count - overlap) // (longest - overlap))
    starts = [round(index * (count - longest) / (number - 1)) for index in range(number)]
    return [(start, start + longest) for start in starts]


class Classifier:
    """Needs the embedder's session, which it shares. `classify`: the chance of an injection, one a text, 0 to 1."""

    def __init__(self, package: Package, embedder: Session) -> None:
        self.name = package.manifest.name
        self._head, self._session = head_of(package), embedder

    def classify(self, texts: Sequence[str]) -> Sliced[list[float]]:
        chances: list[float] = []
        for text in texts:
            highest = 0.0
            for vector in self.vectors(text):
                highest = max(highest, float(self._head.chances(vector[None])[0]))
                yield
            chances.append(highest)
        return chances

    def vectors(self, text: str) -> Sequence[NDArray[np.float32]]:
        """The sentence vector of each window."""
        return list(window_vectors(self._session, text))

    def count(self, texts: Sequence[str]) -> int:
        """Tokens of all texts together."""
        return sum(len(self._session.tokens(text).ids) + 2 for text in texts)


def window_vectors(session: Session, text: str) -> list[NDArray[np.float32]]:
    ids = session.tokens(text).ids
    return [session.run(["sentence_embedding"], [CLS, *ids[a:b], SEP])[0] for a, b in spread(len(ids))]
