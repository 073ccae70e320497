"""The extractive reader: where in a passage the answer to a question stands, and whether it stands there at all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.engines.onnx import Session, Sliced, slices
from models.engines.windows import Tokens, Window, windows
from models.values import Reading, Span

WINDOW_TOKENS = 224
OVERLAP_TOKENS = 64
SPAN_TOKENS = 40
"""An answer longer than this is a passage, not an answer."""

SPANS = 3
_JOINTS = ".,-/:"


@dataclass(frozen=True, slots=True)
class Calibration:
    """Logistic regression fitted on held-out articles: from the two raw scores of a window to a chance.

    `answerable` weighs the answerable logit, `margin` the best span's logits above the score of no span.
    """

    intercept: float = 0.0
    answerable: float = 1.0
    margin: float = 0.0

    def chance(self, answerable: float, margin: float) -> float:
        x = self.intercept + self.answerable * answerable + self.margin * margin
        return float(1 / (1 + np.exp(-np.clip(x, -30, 30))))


@dataclass(frozen=True, slots=True)
class Raw:
    """A window's answerable logit and its best spans: first and last passage token, and margin over no span."""

    answerable: float
    spans: tuple[tuple[int, int, float], ...]


class Reader:
    """`calibration` is the package's own unless another is given."""

    def __init__(self, session: Session, calibration: Calibration | None = None) -> None:
        self._session = session
        self._calibration = calibration or Calibration(**session.package.manifest.calibration)
        self.name = session.package.manifest.name

    def calibrated(self, calibration: Calibration) -> "Reader":
        """The same model, scored by another calibration."""
        return Reader(self._session, calibration)

    def read(self, question: str, passages: Sequence[str]) -> Sliced[list[Reading]]:
        """One reading a passage, in their order; a long passage is read in overlapping windows."""
        asked = self._session.tokens(question).ids
        bodies = [self._session.tokens(passage) for passage in passages]
        cuts = [(i, cut) for i, body in enumerate(bodies) if body.ids for cut in self._windows(asked, body)]
        found: list[list[Raw]] = [[] for _ in passages]
        for group in slices([len(cut.ids) for _, cut in cuts]):
            rows = [cuts[i] for i in group]
            spans, answerable = self._session.run(
                ["spans", "answerable"], [cut.ids for _, cut in rows], [cut.types for _, cut in rows]
            )
            for at, (index, cut) in enumerate(rows):
                found[index].append(Raw(float(answerable[at]), best_spans(spans[at], cut)))
            yield
        return [self._reading(*each) for each in zip(passages, bodies, found, strict=True)]

    def raw(self, question: str, passage: str) -> tuple[float, float]:
        """Answerable logit and margin of the passage's best window: what the calibration is fitted on."""
        asked, body = self._session.tokens(question).ids, self._session.tokens(passage)
        best = (-30.0, -30.0)
        for cut in self._windows(asked, body):
            spans, answerable = self._session.run(["spans", "answerable"], [cut.ids], [cut.types])
            top = best_spans(spans[0], cut)
            best = max(best, (float(answerable[0]), top[0][2] if top else -30.0))
        return best

    def _windows(self, asked: Sequence[int], body: Tokens) -> Iterator[Window]:
        return windows(asked, body, longest=WINDOW_TOKENS, overlap=OVERLAP_TOKENS)

    def _reading(self, passage: str, body: Tokens, raws: Sequence[Raw]) -> Reading:
        ranked = sorted(
            ((margin, raw.answerable, first, last) for raw in raws for first, last, margin in raw.spans), reverse=True
        )
        scored = sorted(
            ((self._calibration.chance(sure, margin), first, last) for margin, sure, first, last in ranked),
            key=lambda each: -each[0],
        )
        spans: list[Span] = []
        for score, first, last in scored:
            start, end = whole_words(passage, body.offsets[first][0], body.offsets[last][1])
            if len(spans) < SPANS and all(end <= span.start or start >= span.end for span in spans):
                spans.append(Span(start, end, passage[start:end], score))
        return Reading(spans[0].score if spans else 0.0, tuple(spans))


def best_spans(logits: NDArray[np.float32], cut: Window) -> tuple[tuple[int, int, float], ...]:
    """The best spans of a window that do not overlap, in passage tokens, each with its margin over no span."""
    inside = slice(cut.first, cut.first + cut.count)
    start, end = logits[inside, 0], logits[inside, 1]
    nothing = float(logits[0, 0] + logits[0, 1])
    scores = np.triu(start[:, None] + end[None, :])
    allowed = np.triu(np.ones_like(scores, bool)) & ~np.triu(np.ones_like(scores, bool), SPAN_TOKENS)
    scores = np.where(allowed, scores, -np.inf)
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
