"""Personal data and secrets in a text, found by pattern and check digit. Pure.

Found: what `patterns.toml` lists. Not found: names without a title or a label, postal addresses, ages, places, and numbers of
countries that it does not know. Part numbers, fault codes, tags, serials and values look like such numbers, and are the answer:
a number is taken for personal only if its form and check digits say so, and no word before it says that it is a thing's.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal

from appliance.guard.checks import CHECKS, FOR_PLANTS
from appliance.guard.values import Finding
from appliance.policy.patterns import PlantPattern

Table = Literal["pattern", "output"]
BEFORE: Final = 48
"""Characters before a number in which words say what it is."""
LABEL: Final = 24
"""The same, for words that say it is a thing's."""
_WORD: Final = re.compile(r"[a-z]+(?:/[a-z])?")


@dataclass(frozen=True, slots=True)
class Pattern:
    kind: str
    form: re.Pattern[str]
    check: Callable[[str], bool] | None
    after: frozenset[str]
    never_after: frozenset[str]


@cache
def patterns(table: Table = "pattern") -> tuple[Pattern, ...]:
    """Those of this release, in their order: `pattern` is what is personal or secret, `output` what a model may not say besides."""
    told = tomllib.loads(files("appliance.guard").joinpath("patterns.toml").read_text(encoding="utf-8"))
    return tuple(
        Pattern(
            one["kind"],
            re.compile(one["is"]),
            CHECKS[one["check"]] if "check" in one else None,
            frozenset(one.get("after", "").split()),
            frozenset(told["things"].split() if one.get("never_after") == "things" else ()),
        )
        for one in told[table]
    )


def patterns_of(plant: Sequence[PlantPattern]) -> tuple[Pattern, ...]:
    """A plant's own, as its policy pack has them."""
    return tuple(
        Pattern(
            one.kind,
            re.compile(one.form),
            FOR_PLANTS[one.check] if one.check else None,
            frozenset(one.after),
            frozenset(one.never_after),
        )
        for one in plant
    )


def find_own(text: str, own: Sequence[Pattern]) -> list[Finding]:
    """What a plant's own patterns find, in its order. It may lie over what others find: each is found, whatever else is."""
    return sorted({Finding(start, end, pattern.kind) for pattern in own for start, end in _spans(pattern, text)})


def find(text: str, table: Table = "pattern") -> list[Finding]:
    """What is found in a text, in its order, without overlaps."""
    taken: list[Finding] = []
    for pattern in patterns(table):
        for start, end in _spans(pattern, text):
            at = bisect(taken, Finding(start, end, ""))
            beside = taken[max(0, at - 1) : at + 1]
            if not any(start < other.end and other.start < end for other in beside):
                taken.insert(at, Finding(start, end, pattern.kind))
    return taken


def redact(text: str, findings: Collection[Finding]) -> str:
    """The text with each stretch replaced by its kind in brackets; they may overlap."""
    parts: list[str] = []
    at = 0
    for one in sorted(findings):
        parts += [text[at : one.start], f"[{one.kind}]"]
        at = max(at, one.end)
    return "".join([*parts, text[at:]])


def _spans(pattern: Pattern, text: str) -> Iterator[tuple[int, int]]:
    for match in pattern.form.finditer(text):
        start, end = match.span(1) if pattern.form.groups else match.span()
        end -= len(match[0]) - len(match[0].rstrip(".,;:)")) if pattern.kind == "URL" else 0
        if pattern.check is not None and not pattern.check(text[start:end]):
            continue
        if pattern.after and not pattern.after & _words(text[max(0, start - BEFORE) : start]):
            continue
        if pattern.never_after & _words(text[max(0, start - LABEL) : start]):
            continue
        yield start, end


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))
