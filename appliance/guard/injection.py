"""Whether a text gives orders to a language model: rules first, a classifier's chance second. Pure.

A rule sees words, also hidden ones (`plain.py`); the classifier sees what a text is about. Neither is enough: an attack in other words
passes the rules, an honest text about prompts alarms the classifier.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final, Literal

from appliance.guard.plain import readings
from appliance.guard.values import Injection

Strength = Literal["strong", "weak"]
SURE: Final = 0.5
"""The classifier's own cut: one in a hundred harmless texts lies above it."""
DOUBT: Final = 0.2
"""From this chance on two weak rules are enough, and one from three quarters of the way to SURE."""
_GAP: Final = r"[^.!?\n]{0,60}?"


@cache
def rules() -> Mapping[str, tuple[Strength, re.Pattern[str]]]:
    """The rules of this release by name."""
    told = tomllib.loads(files("appliance.guard").joinpath("injection.toml").read_text(encoding="utf-8"))
    strengths: tuple[Strength, ...] = ("strong", "weak")
    return {
        name: (strength, re.compile(pattern.replace("{gap}", _GAP)))
        for strength in strengths
        for name, pattern in told[strength].items()
    }


def fired(text: str) -> tuple[str, ...]:
    """The names of the rules that a text breaks, in their order; a hidden reading counts as well."""
    every = [re.sub(r"[ \t]+", " ", one.lower()) for one in readings(text)]
    found = [name for name, (_, pattern) in rules().items() if any(pattern.search(one) for one in every)]
    hidden = len(every) > 1 and any(_is_strong(name) and not rules()[name][1].search(every[0]) for name in found)
    return (*found, "hidden") if hidden else tuple(found)


def verdict(names: tuple[str, ...], score: float) -> Injection:
    """What rules and classifier come to.

    Args:
        names: the rules that fired.
        score: the classifier's chance, 0 where it could not be asked.
    """
    strong = any(_is_strong(name) for name in names)
    weak = sum(not _is_strong(name) for name in names if name != "hidden")
    doubtful = (weak >= 2 and score >= DOUBT) or (weak >= 1 and score >= (DOUBT + 3 * SURE) / 4) or weak >= 4
    return Injection(strong or score >= SURE or doubtful, score, names)


def _is_strong(name: str) -> bool:
    return name != "hidden" and rules()[name][0] == "strong"
