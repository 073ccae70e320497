"""What screening finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A stretch of a text, in characters, and what it is: the names of kinds are Presidio's where it has them."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Injection:
    """Whether a text gives orders to a language model: the verdict, the classifier's chance (0 to 1), the rules that fired."""

    verdict: bool
    score: float
    rules: tuple[str, ...]
