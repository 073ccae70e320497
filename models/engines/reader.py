"""The extractive reader: where in a passage the answer to a question stands, and whether it stands there at all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.engines.onnx import Session, Sliced
from models.engines.spans import SPANS, best_spans, segments, whole_words
from models.engines.windows import Tokens, Window, windows
from models.values import Reading, Span

WINDOW_TOKENS = 224
OVERLAP_TOKENS = 64


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
        readings: list[Reading] = []
        for passage in passages:
            body = self._session.tokens(passage)
            parts = segments(passage, body.offsets)
            raws: list[Raw] = []
            for cut in self._windows(asked, body):
                raws.append(self._raw(cut, parts))
                yield
            readings.append(self._reading(passage, body, raws))
        return readings

    def raw(self, question: str, passage: str) -> tuple[float, float]:
        """Answerable logit and margin of the passage's best window: what the calibration is fitted on."""
        asked, body = self._session.tokens(question).ids, self._session.tokens(passage)
        parts = segments(passage, body.offsets)
        raws = [self._raw(cut, parts) for cut in self._windows(asked, body)]
        return max(((raw.answerable, raw.spans[0][2]) for raw in raws if raw.spans), default=(-30.0, -30.0))

    def _raw(self, cut: Window, parts: NDArray[np.int64]) -> Raw:
        spans, answerable = self._session.run(["spans", "answerable"], cut.ids, cut.types)
        return Raw(float(answerable), best_spans(spans, cut, parts))

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
