"""Whether a text gives orders to a model: a small head over sentence vectors; the part of the text that scores highest counts.

    text -> windows of WINDOW tokens, and sentences -> vectors (the embedder's) -> relu layer -> chance of an injection

An order among the sentences of a page must not be thinned by what stands around it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from models.engines.onnx import Session, Sliced
from models.engines.windows import CLS, SEP
from models.package import Package

WINDOW, OVERLAP = 64, 24
"""In tokens."""

LEAST = 25
"""Characters; a shorter sentence is judged together with its neighbour."""

_END = re.compile(r"(?<=[.!?])\s+|\n+")

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
            chances.append(float(self._head.chances(np.stack(vectors(self._session, text))).max()))
            yield
        return chances

    def count(self, texts: Sequence[str]) -> int:
        """Tokens of all texts together."""
        return sum(len(self._session.tokens(text).ids) + 2 for text in texts)


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text that has several."""
    found: list[str] = []
    for part in filter(None, _END.split(text.strip())):
        if found and len(found[-1]) < LEAST:
            found[-1] += f" {part}"
        else:
            found.append(part)
    if len(found) > 1 and len(found[-1]) < LEAST:
        found[-2:] = [" ".join(found[-2:])]
    return found if len(found) > 1 else []


def windows(session: Session, text: str) -> list[NDArray[np.float32]]:
    """The sentence vector of each window of a text, at least one."""
    ids = session.tokens(text).ids
    rows = ([CLS, *ids[first:last], SEP] for first, last in spread(len(ids)))
    return [session.run(["sentence_embedding"], row)[0] for row in rows]


def vectors(session: Session, text: str) -> list[NDArray[np.float32]]:
    """Those of the text, and those of each of its sentences where it has several."""
    return [vector for part in (text, *sentences(text)) for vector in windows(session, part)]
