"""Prompt lookup: an answer that quotes its prompt is guessed some tokens ahead, and one step checks them all.

A guess is what followed the same three tokens before, in the prompt or in the answer so far. The model has the last
word: a step decodes the guess, and what it would not have said itself is cut off again. So the answer is the same, only
sooner; a wrong guess costs the time of its tokens. Whether that pays depends on how often guesses of this answer came
true and on what a step of more tokens costs on this machine, and both are measured as it goes.
"""

from collections.abc import Callable, Sequence

NGRAM = 3
MOST = 8
"""Longest guess."""

HOPE = 0.7
"""What is expected of an answer's first guess: the chance of each of its tokens."""

LESSON = 0.25
"""Weight of the latest guess."""

FORGET = 0.01
"""How fast, a token, a disappointment is forgotten."""


class Lookup:
    """Of one answer."""

    def __init__(self, prompt: Sequence[int]) -> None:
        self._tokens: list[int] = []
        self._after: dict[tuple[int, ...], int] = {}
        self.chance = HOPE
        for token in prompt:
            self.grow(token)

    def grow(self, token: int) -> None:
        """The next token of prompt or answer."""
        # What ends here is entered once something follows it, so that no guess finds itself.
        if len(self._tokens) >= NGRAM:
            self._after[tuple(self._tokens[-NGRAM:])] = len(self._tokens)
        self._tokens.append(token)

    def guess(self, most: int, cost: Callable[[int], float]) -> list[int]:
        """The tokens that may follow, as many as pay; `cost` is that of a step with so many tokens more."""
        at = self._after.get(tuple(self._tokens[-NGRAM:]))
        if at is None or most < 1:
            return []
        self.chance += FORGET * (HOPE - self.chance)
        found = self._tokens[at : at + min(most, MOST)]
        return found[: worth(self.chance, len(found), cost)]

    def learn(self, guessed: int, true: int) -> None:
        """Of `guessed` tokens the first `true` came true."""
        # The token after the last true one was refused, those after it were not judged.
        judged = min(guessed, true + 1)
        if judged:
            self.chance += LESSON * (true / judged - self.chance)


def worth(chance: float, most: int, cost: Callable[[int], float]) -> int:
    """How many tokens to guess, 0 to `most`, for the most tokens a second: 1 + c + c^2 + ... tokens for `cost(n)`."""
    best, best_rate, expected = 0, 1.0 / cost(0), 1.0
    for count in range(1, most + 1):
        expected += chance**count
        rate = expected / cost(count)
        if rate > best_rate:
            best, best_rate = count, rate
    return best


class Costs:
    """What a step with so many tokens takes, in seconds, of steps without prompts; learnt from all of them."""

    PER_TOKEN = 0.2
    """How much a token more costs, as a share of a step, until it has been measured."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}

    def learn(self, tokens: int, seconds: float) -> None:
        known = self._seconds.get(tokens)
        self._seconds[tokens] = seconds if known is None else known + 0.2 * (seconds - known)

    def of(self, tokens: int) -> float:
        """The nearest number of tokens that was measured says it for the others."""
        if not self._seconds:
            return 1 + self.PER_TOKEN * tokens
        nearest = min(self._seconds, key=lambda known: (abs(known - tokens), known))
        return self._seconds[nearest] * (1 + self.PER_TOKEN * tokens) / (1 + self.PER_TOKEN * nearest)
