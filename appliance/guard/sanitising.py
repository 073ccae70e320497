"""What a model may read, and what of its words may be shown. Pure.

    into a model     personal data by the plant's rule; secrets never
    out of a model   secrets and unsafe links while the text comes (holdback.py), personal data and class sentence by sentence

The rule of a plant is `{enabled, patterns, action}`. From the class on that the policy pack names, it is in force whatever was set, for
every kind, and what it would only warn of is taken out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from appliance.guard.pii import Pattern, find, find_own, patterns, redact
from appliance.guard.values import Act, Finding, Place, Violation, ViolationKind, Warned
from appliance.policy.patterns import STRICTNESS, Then

PiiAction = Then
SECRET: Final = "SECRET"  # noqa: S105  # the name of a kind
IMPERSONAL: Final = frozenset({SECRET, "URL"})
"""Kinds that are no personal data: a secret is taken out always, an address of a page only where the plant names it."""

_KINDS: Final[Mapping[str, ViolationKind]] = {SECRET: "secret", "UNSAFE_LINK": "link"}
"""What is no personal data, as a kind of violation."""


def kinds() -> tuple[str, ...]:
    """Every kind of personal data that can be named in a rule, in the order of the table."""
    return tuple(dict.fromkeys(one.kind for one in patterns() if one.kind != SECRET))


@dataclass(frozen=True, slots=True)
class PiiRule:
    """What becomes of personal data before a model reads a text, and in what it writes. No `patterns`: all kinds of persons,
    and the `own` kinds of the plant. `by_kind` is what the policy pack says for sources of one class; `is_default` where the plant has
    set nothing.
    """

    enabled: bool = True
    patterns: frozenset[str] = frozenset()
    action: PiiAction = "redact"
    own: frozenset[str] = frozenset()
    is_default: bool = field(default=False, compare=False)
    by_kind: Mapping[str, PiiAction] = field(default_factory=dict)

    def action_of(self, kind: str) -> PiiAction | None:
        """What becomes of a kind: what the pack says of it in place of what nobody has set, else the stricter of the two."""
        mine = self.action if self.enabled and kind in self.named else None
        said = self.by_kind.get(kind)
        return said if said and self.is_default else max(mine, said, key=STRICTNESS.index)

    @property
    def named(self) -> frozenset[str]:
        return self.patterns or self._every

    def at(self, level: int, forced_from: int, by_kind: Mapping[str, PiiAction] | None = None) -> PiiRule:
        """The rule for sources of a class.

        Args:
            by_kind: what the policy pack says for this class.
        """
        said = by_kind or {}
        if level < forced_from:
            return replace(self, by_kind=said)
        action: PiiAction = "block" if self.enabled and self.action == "block" else "redact"
        return PiiRule(True, self.named | self._every, action, self.own, by_kind=said)

    @property
    def _every(self) -> frozenset[str]:
        return (frozenset(kinds()) - IMPERSONAL) | self.own


@dataclass(slots=True)
class Sanitiser:
    """Stands on both sides of a model for one answer, and remembers what it did.

    Args:
        rule: the plant's, for the class of the sources.
        clearance: the reader's; no sentence of a source above it leaves.
        own: the plant's patterns, beside those of the release.
    """

    rule: PiiRule = field(default_factory=PiiRule)
    clearance: int = 4
    own: tuple[Pattern, ...] = ()
    kept_in: set[str] = field(default_factory=set)
    warned_of: set[str] = field(default_factory=set)
    kept_out: set[str] = field(default_factory=set)
    noted: dict[tuple[ViolationKind, Place, Act], set[str]] = field(default_factory=dict)

    def blocked(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Kinds of personal data for which none of these may be given to a model."""
        found = {one.kind for text in texts for one in self._found(text)}
        return tuple(sorted(kind for kind in found if self._action(kind) == "block"))

    def given(self, text: str, place: Place = "passage") -> str:
        """The text as a model may read it."""
        found = self._found(text)
        taken = [one for one in found if one.kind == SECRET or self._takes(one)]
        self.kept_in |= {one.kind for one in taken}
        self._remember(taken, place, "redacted")
        self._note(found, place)
        return redact(text, taken)

    def leaking(self, text: str) -> list[Finding]:
        """Secrets and unsafe links, which no model may say to anybody."""
        found = sorted([*(one for one in find(text) if one.kind == SECRET), *find(text, table="output")])
        self.kept_out |= {one.kind for one in found}
        self._remember(found, "answer", "redacted")
        return found

    def said(self, sentence: str, level: int) -> str | None:
        """A sentence as it may be shown; None where it may not. `level` is the class of its source."""
        if level > self.clearance:
            self.kept_out.add("class")
            self.noted.setdefault(("class", "answer", "withheld"), set())
            return None
        found = self._found(sentence)
        taken = [one for one in found if self._takes(one)]
        self._note(found, "answer")
        self.kept_out |= {one.kind for one in taken}
        blocks = any(self._action(one.kind) == "block" for one in taken)
        self._remember(taken, "answer", "blocked" if blocks else "redacted")
        if blocks:
            return None
        return redact(sentence, taken)

    def warnings(self) -> list[Warned]:
        """What is to be told of it."""
        told = []
        if self.kept_in:
            told.append(Warned("personal-data", "Taken out before a model read this:", tuple(sorted(self.kept_in))))
        if self.warned_of:
            told.append(
                Warned("personal-data", "A model has read or written personal data:", tuple(sorted(self.warned_of)))
            )
        if self.kept_out:
            told.append(Warned("output", "Taken out of what a model wrote:", tuple(sorted(self.kept_out))))
        return told

    def violations(self) -> tuple[Violation, ...]:
        """What was found on both sides, and what was done about it."""
        return tuple(
            Violation(kind, place, act, tuple(sorted(rules))) for (kind, place, act), rules in self.noted.items()
        )

    def for_another(self) -> Sanitiser:
        """The same for another try, which remembers nothing yet."""
        return replace(self, kept_in=set(), warned_of=set(), kept_out=set(), noted={})

    def _found(self, text: str) -> list[Finding]:
        return [*find(text), *find_own(text, self.own)]

    def _takes(self, one: Finding) -> bool:
        return self._action(one.kind) in {"redact", "block"}

    def _action(self, kind: str) -> PiiAction | None:
        """None for secrets as well: they are taken out whatever a rule says."""
        return None if kind == SECRET else self.rule.action_of(kind)

    def _note(self, found: Sequence[Finding], place: Place) -> None:
        warned = [one for one in found if self._action(one.kind) == "warn"]
        self.warned_of |= {one.kind for one in warned}
        self._remember(warned, place, "warned")

    def _remember(self, found: Sequence[Finding], place: Place, act: Act) -> None:
        for one in found:
            self.noted.setdefault((_KINDS.get(one.kind, "pii"), place, act), set()).add(one.kind)
