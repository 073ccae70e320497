"""From a window's logits to verbatim spans that a person would mark."""

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.engines.windows import Window

SPANS = 3
SPAN_TOKENS = 40
"""An answer longer than this is a passage, not an answer."""

_JOINTS = ".,-/:"
_CELL = " | "
_ITEM = re.compile(r"\s*(?:\d+[.)]|[-*•])\s|\s*$")


def segments(text: str, offsets: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """For each token the number of its stretch: no answer crosses a table's cell or row, a list item or a blank line.

    Tokens know nothing of line ends, so the model cannot see these borders itself. A line end within a sentence is none.
    """
    borders: list[int] = []
    at = 0
    for line, following in pairwise([*text.split("\n"), ""]):
        for match in re.finditer(re.escape(_CELL), line):
            # Two, so that the bar itself belongs to neither cell.
            borders += [at + match.start(), at + match.end()]
        at += len(line)
        if _CELL in line or _CELL in following or _ITEM.match(following):
            borders.append(at)
        at += 1
    starts = np.array([start for start, _ in offsets], np.int64)
    return np.searchsorted(np.array(borders, np.int64), starts, side="right")


def best_spans(
    logits: NDArray[np.float32], cut: Window, parts: NDArray[np.int64]
) -> tuple[tuple[int, int, float], ...]:
    """The best spans of a window that do not overlap, in passage tokens, each with its margin over no span.

    `parts` are the passage's `segments`; a span stays within one.
    """
    inside = slice(cut.first, cut.first + cut.count)
    start, end = logits[inside, 0], logits[inside, 1]
    nothing = float(logits[0, 0] + logits[0, 1])
    scores = start[:, None] + end[None, :]
    here = parts[cut.token : cut.token + cut.count]
    ordered = np.triu(np.ones_like(scores, bool)) & ~np.triu(np.ones_like(scores, bool), SPAN_TOKENS)
    scores = np.where(ordered & (here[:, None] == here[None, :]), scores, -np.inf)
    spans: list[tuple[int, int, float]] = []
    for _ in range(min(SPANS, cut.count)):
        first, last = (int(i) for i in np.unravel_index(int(scores.argmax()), scores.shape))
        if not np.isfinite(scores[first, last]):
            break
        spans.append((first + cut.token, last + cut.token, float(scores[first, last]) - nothing))
        # Whatever touches the span is gone: it begins before its end and ends after its start.
        scores[: last + 1, first:] = -np.inf
    return tuple(spans)


def whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """The stretch widened to whole words, numbers and identifiers (`6.2`, `P-204B`), without space at its ends."""
    while start > 0 and _joined(text, start):
        start -= 1
    while end < len(text) and _joined(text, end):
        end += 1
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _joined(text: str, at: int) -> bool:
    """Whether a cut before character `at` would split a word, a number or an identifier."""
    before, after = text[at - 1], text[at]
    if before.isalnum() and after.isalnum():
        return True
    if before.isalnum() and after in _JOINTS:
        return at + 1 < len(text) and text[at + 1].isalnum()
    return before in _JOINTS and after.isalnum() and at >= 2 and text[at - 2].isalnum()
