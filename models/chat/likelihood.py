"""How sure the model was: what all answers of a step have in common is computed for all of them at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Row:
    """What the model thinks of the next token of one answer.

    `logits` count the whole vocabulary and are valid until the next step; `best` is the likeliest token, the first of
    equals; `total` is the logarithm of the sum of all exponentials; `margin` is how much likelier `best` is than the
    next one, as a difference of log probabilities.
    """

    logits: NDArray[np.float32]
    best: int
    total: float
    margin: float

    def logprob(self, token: int) -> float:
        return float(self.logits[token]) - self.total

    def likeliest(self, count: int) -> tuple[tuple[int, float], ...]:
        """So many tokens with their log probabilities, the likeliest first."""
        if not count:
            return ()
        order = np.argpartition(self.logits, -count)[-count:]
        return tuple((int(i), self.logprob(int(i))) for i in order[np.argsort(-self.logits[order])])


class Rows:
    """Keeps room for its sums, so that a step allocates nothing of the size of the vocabulary."""

    def __init__(self, vocabulary: int) -> None:
        self._room = np.zeros((0, vocabulary), np.float32)

    def of(self, logits: NDArray[np.float32]) -> list[Row]:
        """Of a matrix of one row an answer, which is changed in passing and left as it was."""
        count = len(logits)
        if count > len(self._room):
            self._room = np.zeros((count, logits.shape[1]), np.float32)
        room, every = self._room[:count], np.arange(count)
        best = logits.argmax(axis=1)
        top = logits[every, best]
        np.subtract(logits, top[:, None], out=room)
        np.exp(room, out=room)
        totals = top + np.log(room.sum(axis=1))
        logits[every, best] = -np.inf
        second = logits.max(axis=1)
        logits[every, best] = top
        return [
            Row(row, token, total, margin)
            for row, token, total, margin in zip(
                logits, best.tolist(), totals.tolist(), (top - second).tolist(), strict=True
            )
        ]
