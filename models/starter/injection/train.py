"""Train the injection classifier's head in numpy; some seconds once the sentence vectors are there."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.engines.classifier import WINDOW, Head, sentences, spread, vector, vectors
from models.engines.onnx import Session
from models.starter.injection.texts import Labelled

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Vectors:
    """Sentence vectors of all pieces (n, width), the text that each is of, and whether each text is an attack."""

    windows: Floats
    of: NDArray[np.int64]
    attack: NDArray[np.bool_]

    def highest(self, chances: Floats) -> Floats:
        """The highest chance of each text."""
        found = np.zeros(len(self.attack), np.float32)
        np.maximum.at(found, self.of, chances)
        return found


@dataclass(frozen=True, slots=True)
class Plan:
    hidden: int = 64
    rounds: int = 6
    epochs: int = 12
    size: int = 256
    rate: float = 2e-3
    decay: float = 2e-3
    seed: int = 0


def vectors_of(
    session: Session, texts: Sequence[Labelled], *, sentences_too: bool = False, whole: bool = False
) -> Vectors:
    """Those of the pieces that are read of each text; for training those of its sentences too, or of windows over the `whole` of it."""
    found = [_windows(session, one.text) if whole else vectors(session, one.text) for one in texts]
    if sentences_too:
        for rows, one in zip(found, texts, strict=True):
            rows += [vector(session, session.tokens(part).ids[:WINDOW]) for part in sentences(one.text)]
    of = np.repeat(np.arange(len(texts)), [len(rows) for rows in found])
    attack = np.array([one.attack for one in texts])
    return Vectors(np.stack([row for rows in found for row in rows]), of, attack)


def _windows(session: Session, text: str) -> list[Floats]:
    ids = session.tokens(text).ids
    return [vector(session, ids[first:last]) for first, last in spread(len(ids))]


def train(given: Vectors, plan: Plan) -> Head:
    """Every window of a harmless text is harmless; of an attack the window that looks most like one counts, chosen anew
    each round.
    """
    random = np.random.default_rng(plan.seed)
    width = given.windows.shape[1]
    weights = {
        "first": random.standard_normal((width, plan.hidden)).astype(np.float32) * np.float32((2 / width) ** 0.5 * 4),
        "first_bias": np.zeros(plan.hidden, np.float32),
        "last": random.standard_normal(plan.hidden).astype(np.float32) * np.float32(plan.hidden**-0.5),
        "last_bias": np.zeros((), np.float32),
    }
    moments = {name: (np.zeros_like(value), np.zeros_like(value)) for name, value in weights.items()}
    step = 0
    for _ in range(plan.rounds):
        chosen = counted(given, Head(**weights).chances(given.windows))
        wanted = given.attack[given.of[chosen]].astype(np.float32)
        for _ in range(plan.epochs):
            order = random.permutation(len(chosen))
            for at in range(0, len(order), plan.size):
                step += 1
                part = order[at : at + plan.size]
                gradients = slopes(weights, given.windows[chosen[part]], wanted[part])
                adamw(weights, moments, gradients, step, plan)
    return Head(**weights)


def counted(given: Vectors, chances: Floats) -> NDArray[np.int64]:
    """All windows of harmless texts, the highest one of each attack."""
    highest = given.highest(chances)
    attack = given.attack[given.of]
    return np.flatnonzero(~attack | (chances >= highest[given.of]))


def slopes(weights: dict[str, Floats], rows: Floats, wanted: Floats) -> dict[str, Floats]:
    """Gradients of the mean binary cross-entropy."""
    inner = rows @ weights["first"] + weights["first_bias"]
    hidden = np.maximum(inner, 0)
    chances = 1 / (1 + np.exp(-np.clip(hidden @ weights["last"] + weights["last_bias"], -30, 30)))
    error = ((chances - wanted) / len(rows)).astype(np.float32)
    back = np.outer(error, weights["last"]) * (inner > 0)
    return {
        "first": rows.T @ back,
        "first_bias": back.sum(0),
        "last": hidden.T @ error,
        "last_bias": np.asarray(error.sum()),
    }


def adamw(
    weights: dict[str, Floats],
    moments: dict[str, tuple[Floats, Floats]],
    gradients: dict[str, Floats],
    step: int,
    plan: Plan,
) -> None:
    for name, slope in gradients.items():
        mean, square = moments[name]
        mean = (0.9 * mean + 0.1 * slope).astype(np.float32)
        square = (0.999 * square + 0.001 * slope**2).astype(np.float32)
        moments[name] = (mean, square)
        move = (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
        decay = plan.decay if weights[name].ndim == 2 else 0.0
        weights[name] = (weights[name] * (1 - plan.rate * decay) - plan.rate * move).astype(np.float32)


def joined(heads: Sequence[Head]) -> Head:
    """One head whose logit is the mean of theirs."""
    return Head(
        np.concatenate([one.first for one in heads], axis=1),
        np.concatenate([one.first_bias for one in heads]),
        (np.concatenate([one.last for one in heads]) / len(heads)).astype(np.float32),
        np.asarray(np.mean([one.last_bias.item() for one in heads]), np.float32),
    )


def shifted(head: Head, at: float) -> Head:
    """The head whose chance is one half where it was `at`."""
    moved = np.float32(np.log(at / (1 - at)))
    return Head(head.first, head.first_bias, head.last, np.asarray(head.last_bias - moved, np.float32))
