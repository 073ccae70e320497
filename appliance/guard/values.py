"""What screening finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


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


@dataclass(frozen=True, slots=True)
class Warned:
    """What the guard did with a message, or kept from a model: stored with it, and shown. `kinds` are names of intents, rules or
    kinds of data; never what was found.
    """

    code: Literal["intent", "injection", "personal-data", "output"]
    text: str
    kinds: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "text": self.text, "kinds": list(self.kinds)}
