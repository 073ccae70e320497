"""Question and passage as one token sequence, long passages in overlapping windows. Shared by training and reading.

[CLS] question [SEP] passage tokens first..last [SEP]
0       0      0              1                1        token types
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CLS, SEP = 101, 102
"""BERT's own ids, the same in every uncased WordPiece vocabulary of that family."""

QUESTION_TOKENS = 48
"""A longer question keeps only its first tokens, so that a passage always has room."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Ids of a text without special tokens, and where each token stands in it, in characters."""

    ids: Sequence[int]
    offsets: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Window:
    """`ids[first]` is passage token `token`; the window holds `count` passage tokens."""

    ids: list[int]
    types: list[int]
    first: int
    token: int
    count: int


def window(question: Sequence[int], passage: Tokens, token: int, room: int) -> Window:
    """The window of at most `room` passage tokens that begins at passage token `token`."""
    asked = list(question[:QUESTION_TOKENS])
    body = list(passage.ids[token : token + room])
    head = [CLS, *asked, SEP]
    return Window([*head, *body, SEP], [0] * len(head) + [1] * (len(body) + 1), len(head), token, len(body))


def windows(question: Sequence[int], passage: Tokens, *, longest: int, overlap: int) -> Iterator[Window]:
    """Windows of at most `longest` ids that cover the passage, neighbours sharing about `overlap` tokens."""
    room = longest - min(len(question), QUESTION_TOKENS) - 3
    total = len(passage.ids)
    count = 1 if total <= room else -(-(total - overlap) // (room - overlap))
    for index in range(count):
        # Spread evenly, so that the last window is as full as the first.
        start = 0 if count == 1 else round(index * (total - room) / (count - 1))
        yield window(question, passage, start, room)
