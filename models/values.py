"""What models say about texts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """`text` is the passage from character `start` to `end`, verbatim; `score` is the chance that it answers, 0 to 1."""

    start: int
    end: int
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """`answerable` is the calibrated chance that the passage answers the question, 0 to 1; spans come best first."""

    answerable: float
    spans: tuple[Span, ...]
