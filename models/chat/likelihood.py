"""How sure the model was, from the logits of a step."""

import math
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
        self._room = np.zeros(vocabulary, np.float32)

    def of(self, logits: NDArray[np.float32]) -> list[Row]:
        """Of a matrix of one row an answer, which is changed in passing and left as it was."""
        return [self._row(row) for row in logits]

    def _row(self, logits: NDArray[np.float32]) -> Row:
        # Row by row: the sums of one stay near the core, those of all do not.
        best = int(logits.argmax())
        top = logits[best]
        np.subtract(logits, top, out=self._room)
        np.exp(self._room, out=self._room)
        logits[best] = -np.inf
        margin = float(top - logits.max())
        logits[best] = top
        return Row(logits, best, float(top) + math.log(self._room.sum()), margin)
