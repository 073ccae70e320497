"""Whether a text gives orders to a model: a small head over sentence vectors of its pieces.

    text -> sentences, short ones together -> vectors (of the body's lower layers) -> relu layer -> chance of an injection

Each token is read once, of what is suspect a second time. An order among the sentences of a page must not be thinned by what stands around it, so a piece is short; and
because a page has many pieces of which one may look like an order by accident, one alone counts for less there (`together`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import ArrayLike, NDArray
from safetensors.numpy import load_file

from models.engines.onnx import Session, Sliced
from models.engines.windows import CLS, SEP
from models.package import Package

WINDOW, OVERLAP = 64, 24
"""In tokens: a sentence longer than a window is read in several."""
PIECE = 32
"""Tokens up to which sentences are read together."""
SEVERAL = 4
"""From so many pieces on a text is a page."""
SUSPECT, CLOSER = -6.0, 3
"""Of a page, the pieces most like an order, with a logit above SUSPECT, are read again sentence by sentence."""
ALONE, TWICE = 8.0, 6.0
"""Of a page, what is taken off the highest logit, and off the next one: chosen on passages of manuals (every second file of frePPLe's
and of the policies) that the head was not trained on.
"""

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

    def logits(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """One logit a row of (n, width) vectors."""
        hidden = np.maximum(vectors @ self.first + self.first_bias, 0)
        found: NDArray[np.float32] = np.clip(hidden @ self.last + self.last_bias, -30, 30).astype(np.float32)
        return found

    def chances(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """One chance a row of (n, width) vectors."""
        found: NDArray[np.float32] = chance(self.logits(vectors))
        return found


def chance(logits: ArrayLike) -> NDArray[np.float32]:
    found: NDArray[np.float32] = (1 / (1 + np.exp(-np.asarray(logits, np.float32)))).astype(np.float32)
    return found


def together(logits: NDArray[np.float32]) -> float:
    """The logit of a text from those of its pieces, at least one."""
    found = np.sort(logits)[::-1]
    if len(found) < SEVERAL:
        return float(found[0])
    return float(max(found[0] - ALONE, found[1] - TWICE))


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
    """`classify`: the chance of an injection, one a text, 0 to 1."""

    def __init__(self, session: Session) -> None:
        self.name = session.package.manifest.name
        self._head, self._session = head_of(session.package), session

    def classify(self, texts: Sequence[str]) -> Sliced[list[float]]:
        chances: list[float] = []
        for text in texts:
            chances.append(float(chance(logit(self._session, self._head, text))))
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


def pieces(session: Session, text: str) -> list[list[list[int]]]:
    """The tokens of the sentences of each piece of a text, at least one: as many sentences as PIECE holds, a longer one in windows."""
    found: list[list[list[int]]] = [[]]
    for part in sentences(text) or [text]:
        ids = list(session.tokens(part).ids)
        for first, last in spread(len(ids)):
            if found[-1] and sum(map(len, found[-1])) + last - first > PIECE:
                found.append([])
            found[-1].append(ids[first:last])
    return found


def vectors(session: Session, text: str) -> list[NDArray[np.float32]]:
    """The sentence vector of each piece."""
    return [vector(session, list(chain(*piece))) for piece in pieces(session, text)]


def logit(session: Session, head: Head, text: str) -> float:
    """Of a text; above 0 it is an injection."""
    parts = pieces(session, text)
    found = head.logits(np.stack([vector(session, list(chain(*piece))) for piece in parts]))
    if len(parts) >= SEVERAL:
        for at in np.argsort(-found)[:CLOSER]:
            if found[at] > SUSPECT and len(parts[at]) > 1:
                alone = head.logits(np.stack([vector(session, ids) for ids in parts[at]]))
                found[at] = max(found[at], alone.max())
    return together(found)


def vector(session: Session, ids: Sequence[int]) -> NDArray[np.float32]:
    return session.run(["sentence_embedding"], [CLS, *ids, SEP])[0]
