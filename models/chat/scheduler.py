"""Decisions of the chat server, without any I/O: who is served next, what a step decodes, which cache is reused.

Rules
-----
1. Every running answer gets its next token in every step.
2. Prompts get what is left of a step's time, in tokens as they were last measured. While nobody waits for the next token
   of an answer, they share a long step; beside a running answer they take turns, a short step each.
3. The next request is taken from the caller with the fewest running; of those, from the one served longest ago. A
   caller's own requests are served in their order.
4. A prompt reuses the longest beginning that any sequence holds, but its last token is always decoded: it says what
   comes next.
"""

import itertools
import math
import statistics
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

BATCH = 512
"""Most tokens of a step."""

STEP_SECONDS = 0.14
"""How long a step aims to take while somebody waits for the next token of an answer: below what a reader notices."""

ALONE_SECONDS = 1.0
"""The same while nobody does: how long a newcomer, or one who leaves, waits to be noticed."""

LEAST = 8
"""Fewest prompt tokens of a step, however slow the machine is: a prompt must get on."""

TILE, SMALL_TILE = 16, 4
"""llama.cpp's products take tokens by so many: what is left over costs as much as if it were whole."""

FIRST = 64
"""Prompt tokens of a step while nothing has been measured."""


class QueueFull(Exception):
    """As many requests wait as may; `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"try again in {retry_after} s")
        self.retry_after = retry_after


class FairQueue(Generic[T]):
    """Requests that wait, by caller."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[T]] = {}
        self._served: dict[str, int] = {}
        self._turns = itertools.count(1)

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def push(self, key: str, item: T) -> None:
        self._waiting.setdefault(key, deque()).append(item)

    def pop(self, running: Mapping[str, int]) -> T:
        """The next request by rule 3; `running` counts each caller's. Raises IndexError when nobody waits."""
        if not self._waiting:
            raise IndexError("nobody waits")
        key = min(self._waiting, key=lambda key: (running.get(key, 0), self._served.get(key, 0)))
        item = self._waiting[key].popleft()
        # Only those who wait are remembered: the number of callers that ever came has no bound.
        self._served = {each: turn for each, turn in self._served.items() if each in self._waiting}
        self._served[key] = next(self._turns)
        self._drop_if_empty(key)
        return item

    def remove(self, key: str, item: T) -> bool:
        """Whether it still waited."""
        if item not in self._waiting.get(key, ()):
            return False
        self._waiting[key].remove(item)
        self._drop_if_empty(key)
        return True

    def order(self, running: Mapping[str, int]) -> list[T]:
        """All who wait, as they would be served if those running went on."""
        ahead: FairQueue[T] = FairQueue()
        ahead._waiting = {key: deque(items) for key, items in self._waiting.items()}
        ahead._served, ahead._turns = dict(self._served), itertools.count(1 + max(self._served.values(), default=0))
        return [ahead.pop(running) for _ in range(len(self))]

    def drain(self) -> list[T]:
        """Everything that waits; the queue is empty then."""
        items = [item for items in self._waiting.values() for item in items]
        self._waiting.clear()
        return items

    def _drop_if_empty(self, key: str) -> None:
        if not self._waiting[key]:
            del self._waiting[key]


class Pace:
    """What a token of a prompt takes: what the last step says of it, as far as the two before it bear that out.

    So it follows a prompt that takes longer the further it has got, and one step that a neighbour held up changes little.
    """

    RISE = 1.25
    """How much more than the median of the last three the last may be."""

    def __init__(self) -> None:
        self._last: deque[float] = deque(maxlen=3)

    def learn(self, tokens: int, seconds: float) -> None:
        if tokens >= LEAST:
            # Of fewer, most of the time is what any step takes.
            self._last.append(seconds / tokens)

    @property
    def seconds(self) -> float:
        """Of one token; 0 while nothing has been measured."""
        return min(self._last[-1], self.RISE * statistics.median(self._last)) if self._last else 0.0


def prompt_budget(answers: float, pace: float, *, beside: bool) -> int:
    """How many prompt tokens follow in a step whose answers took `answers` seconds (rule 2).

    `beside` says whether anybody waits for the next token of an answer; `pace` is in seconds a prompt token, 0 for not
    known. Prompts get as much time as the answers at least. So the longest gap of an answer is the longest of

        STEP_SECONDS    twice what the answers themselves take    the answers, and LEAST tokens of a prompt

    and beyond that what the last steps did not tell: the further a prompt has got, the longer a token takes, a little more
    each step, and much more at once where a prompt goes on from a long beginning that was read before.
    """
    seconds = max(STEP_SECONDS - answers, answers) if beside else ALONE_SECONDS
    affordable = int(min(seconds / pace, BATCH)) if pace else FIRST
    tile = TILE if affordable >= TILE else SMALL_TILE
    return max(affordable - affordable % tile, LEAST)


def ending(budget: int, left: int) -> int:
    """How many of the `left` tokens of a prompt a step takes beside a running answer, `budget` being what it may.

    Where the prompt could end it takes half, since the next step has one answer more to serve within the same gap.
    """
    return budget if left > budget else min(left, max(budget // 2, SMALL_TILE))


def share(budget: int, left: Sequence[int]) -> list[int]:
    """How many tokens each prompt of `left` remaining tokens gets: equal parts, and what one leaves goes to the others."""
    given = [0] * len(left)
    for place, index in enumerate(sorted(range(len(left)), key=lambda index: left[index])):
        given[index] = min(left[index], -(-(budget - sum(given)) // (len(left) - place)))
    return given


@dataclass(frozen=True, slots=True)
class Held:
    """What a sequence's cache holds. `used` grows with every use: the smallest is the one idle for longest."""

    sequence: int
    tokens: Sequence[int]
    free: bool
    used: int


@dataclass(frozen=True, slots=True)
class Place:
    """Run in `sequence`, whose cache takes the first `reused` tokens of `source` (itself, when they are equal)."""

    sequence: int
    source: int
    reused: int


def place(prompt: Sequence[int], held: Sequence[Held]) -> Place:
    """Where a prompt runs (rule 4). At least one sequence is free.

    The free sequence that holds the best beginning is continued if the beginning is most of what it holds. Otherwise the
    beginning is copied, so that the rest of it stays for its own next turn: into an empty sequence, else into one beside
    those that run, since llama.cpp decodes together only sequences whose numbers follow each other (four apart took 54 ms
    a step for 33), and of these into the one idle for longest.
    """
    common = {each.sequence: min(_common(prompt, each.tokens), len(prompt) - 1) for each in held}
    best = max(held, key=lambda each: (common[each.sequence], each.free, -each.used))
    reused = common[best.sequence]
    if best.free and 2 * reused >= len(best.tokens):
        return Place(best.sequence, best.sequence, reused)
    busy = [each.sequence for each in held if not each.free]

    def apart(each: Held) -> bool:
        return bool(busy) and not min(busy) - 1 <= each.sequence <= max(busy) + 1

    idle = min((each for each in held if each.free), key=lambda each: (len(each.tokens) > 0, apart(each), each.used))
    return Place(idle.sequence, best.sequence, reused)


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    for index, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return index
    return min(len(one), len(other))


def retry_after(waiting: int, sequences: int, seconds_a_request: float) -> int:
    """Whole seconds until a place in the queue is likely free."""
    return max(1, min(60, math.ceil(seconds_a_request * waiting / max(1, sequences) / 2)))
