"""What screening finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal
from uuid import UUID

ViolationKind = Literal["injection", "pii", "secret", "class", "link", "intent"]
Place = Literal["question", "document", "passage", "answer"]
Act = Literal["warned", "redacted", "blocked", "withheld"]
"""What was done: told of it, taken out, answered without any model, or not given to one."""
Severity = Literal["low", "medium", "high"]
SEVERITIES: Final[tuple[Severity, ...]] = ("low", "medium", "high")
_GRAVE: Final = frozenset({"injection", "secret"})
_DANGEROUS: Final = "DANGEROUS"


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
class Violation:
    """Something that the guard found, and what it did. `rules` are names of rules or kinds, never what was found; `score` is the
    classifier's chance (0 to 1), 0 where it was not asked.
    """

    kind: ViolationKind
    place: Place
    act: Act
    rules: tuple[str, ...] = ()
    score: float = 0.0
    document_id: UUID | None = None

    @property
    def severity(self) -> Severity:
        if self.kind in _GRAVE or _DANGEROUS in self.rules:
            return "high"
        return "low" if self.kind == "pii" and self.act != "blocked" else "medium"


@dataclass(frozen=True, slots=True)
class Warned:
    """What the guard did with a message, or kept from a model: stored with it, and shown. `kinds` are names of intents, rules or
    kinds of data; never what was found. `violations` are the same for those who look after the plant, and not shown.
    """

    code: Literal["intent", "injection", "personal-data", "output"]
    text: str
    kinds: tuple[str, ...] = ()
    violations: tuple[Violation, ...] = field(default=(), compare=False)

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "text": self.text, "kinds": list(self.kinds)}
