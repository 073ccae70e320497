r"""A plant's own patterns of personal or plant data, `pii.toml` of a policy pack. Pure.

    [[pattern]]
    kind = "EMPLOYEE_ID"           what stands in its place
    is = '\bE-\d{5}\b'             a regular expression of Python
    after = "employee badge"       only where one of these words stands before it
    never_after = "order part"     not where one of these does

They are added to those of the release; none of those can be taken away or changed. `weighing.py` says which can be taken.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import Any, Final

from appliance.policy.errors import PackRefused
from appliance.policy.weighing import weighed

MOST_PATTERNS: Final = 200
ALL_WAYS: Final = 2_000
"""Of all patterns of a pack together."""
_KIND: Final = re.compile(r"[A-Z][A-Z0-9_]{2,39}", re.ASCII)
_WORDS: Final = re.compile(r"(?:[a-z]{1,40}(?: |$)){0,40}", re.ASCII)
_KEYS: Final = frozenset({"kind", "is", "after", "never_after"})
_OF_THE_RELEASE: Final = "SECRET"


@dataclass(frozen=True, slots=True, order=True)
class PlantPattern:
    """One pattern. `after` and `never_after` are small words."""

    kind: str
    form: str
    after: tuple[str, ...] = ()
    never_after: tuple[str, ...] = ()

    def told(self) -> str:
        """In words, for whoever compares two packs; no two are told alike."""
        after = f" after {' '.join(self.after)}" if self.after else ""
        never = f", never after {' '.join(self.never_after)}" if self.never_after else ""
        return f"{self.kind}{after}{never}: {self.form}"


def read_patterns(text: str) -> tuple[PlantPattern, ...]:
    """The patterns of a `pii.toml`, in their order.

    Raises:
        PackRefused: it is malformed, holds too many, or one could take long or take texts apart.
        tomllib.TOMLDecodeError: it is no TOML.
    """
    facts = tomllib.loads(text)
    listed = facts.pop("pattern", [])
    if facts or not isinstance(listed, list):
        raise PackRefused("pii.toml holds [[pattern]] and nothing else.")
    if len(listed) > MOST_PATTERNS:
        raise PackRefused(f"pii.toml holds more than {MOST_PATTERNS} patterns.")
    found = [_read(at, one) for at, one in enumerate(listed, 1)]
    if sum(ways for _, ways in found) > ALL_WAYS:
        raise PackRefused(f"The patterns of pii.toml can be tried in more than {ALL_WAYS} ways together.")
    return tuple(dict.fromkeys(pattern for pattern, _ in found))


def _read(at: int, one: Any) -> tuple[PlantPattern, int]:
    if not isinstance(one, dict) or not all(isinstance(value, str) for value in one.values()):
        raise PackRefused(f"Pattern {at} of pii.toml is no table of texts.")
    if unknown := sorted(one.keys() - _KEYS):
        raise PackRefused(f"Pattern {at} of pii.toml has {unknown[0][:40]!r}; known are {', '.join(sorted(_KEYS))}.")
    kind, form = one.get("kind", ""), one.get("is", "")
    if not _KIND.fullmatch(kind):
        raise PackRefused(
            f"The kind of pattern {at} of pii.toml is written as EMPLOYEE_ID: 3 to 40 letters and digits."
        )
    if kind == _OF_THE_RELEASE:
        raise PackRefused("What a secret is, the release says; pii.toml cannot.")
    for words in (one.get("after", ""), one.get("never_after", "")):
        if not _WORDS.fullmatch(words):
            raise PackRefused(f"The words of {kind} in pii.toml are small letters with single blanks, 40 at most.")
    problem, ways = weighed(form)
    if problem:
        raise PackRefused(f"The pattern of {kind} in pii.toml {problem}.")
    return PlantPattern(kind, form, *(tuple(one.get(key, "").split()) for key in ("after", "never_after"))), ways
