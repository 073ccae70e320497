"""Whether a text gives orders to a language model: rules first, a classifier's chance second. Pure.

A rule sees words, also hidden ones (`plain.py`); the classifier sees what a text is about. Neither is enough: an attack in other words
passes the rules, an honest text about prompts alarms the classifier.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

from appliance.guard.plain import readings
from appliance.guard.values import Injection
from appliance.policy.phrases import PlantOrder, Strength

SURE: Final = 0.5
"""The classifier's own cut: one in a hundred harmless texts lies above it."""
DOUBT: Final = 0.2
"""From this chance on two weak rules are enough, and one from three quarters of the way to SURE."""
_GAP: Final = r"[^.!?\n]{0,60}?"
_NAMED: Final = re.compile(r"\{([a-z_]{3,20})\}")


@cache
def rules() -> Mapping[str, tuple[Strength, re.Pattern[str]]]:
    """The rules of this release by name."""
    told = tomllib.loads(files("appliance.guard").joinpath("injection.toml").read_text(encoding="utf-8"))
    pieces = told["pieces"] | {"gap": _GAP}
    strengths: tuple[Strength, ...] = ("strong", "weak")
    return {
        name: (strength, re.compile(_NAMED.sub(lambda found: pieces[found[1]], pattern)))
        for strength in strengths
        for name, pattern in told[strength].items()
    }


@lru_cache(maxsize=32)
def _with_own(own: tuple[PlantOrder, ...]) -> Mapping[str, tuple[Strength, re.Pattern[str]]]:
    """The rules of the release, and those of a plant's pack after them."""
    return {**rules(), **{one.name: (one.strength, re.compile(one.form, re.IGNORECASE)) for one in own}}


def fired(text: str, own: tuple[PlantOrder, ...] = ()) -> tuple[str, ...]:
    """The names of the rules that a text breaks, the release's and then a plant's own; a hidden reading counts as well."""
    known = _with_own(own)
    every = [_Read.of(one) for one in readings(text)]
    found = [name for name, (_, pattern) in known.items() if any(one.search(pattern) for one in every)]
    hidden = len(every) > 1 and any(_is_strong(name, known) and not every[0].search(known[name][1]) for name in found)
    return (*found, "hidden") if hidden else tuple(found)


@dataclass(frozen=True, slots=True)
class _Read:
    """A reading in small letters with single blanks: in its lines, and in one."""

    lines: str
    line: str

    @classmethod
    def of(cls, text: str) -> _Read:
        small = text.lower().replace("\u2019", "'").replace("\u2018", "'")
        return cls(re.sub(r"[ \t]+", " ", small), " ".join(small.split()))

    def search(self, pattern: re.Pattern[str]) -> bool:
        return pattern.search(self.lines if r"\n" in pattern.pattern else self.line) is not None


def verdict(names: tuple[str, ...], score: float, own: tuple[PlantOrder, ...] = ()) -> Injection:
    """What rules and classifier come to.

    Args:
        names: the rules that fired.
        score: the classifier's chance, 0 where it could not be asked.
        own: a plant's rules that were tried too.
    """
    known = _with_own(own)
    strong = any(_is_strong(name, known) for name in names)
    weak = sum(not _is_strong(name, known) for name in names if name != "hidden")
    doubtful = (weak >= 2 and score >= DOUBT) or (weak >= 1 and score >= (DOUBT + 3 * SURE) / 4) or weak >= 4
    return Injection(strong or score >= SURE or doubtful, score, names)


def _is_strong(name: str, known: Mapping[str, tuple[Strength, re.Pattern[str]]]) -> bool:
    return name != "hidden" and known[name][0] == "strong"
