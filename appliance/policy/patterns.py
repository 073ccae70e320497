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
from dataclasses import dataclass
from typing import Final

from appliance.policy.errors import PackRefused
from appliance.policy.listing import Weights, entries

FILE: Final = "pii.toml"
MOST_PATTERNS: Final = 200
ALL_WAYS: Final = 2_000
"""Of all patterns of a pack together."""
_KIND: Final = re.compile(r"[A-Z][A-Z0-9_]{2,39}", re.ASCII)
_WORDS: Final = re.compile(r"(?:[a-z]{1,40}(?: |$)){0,40}", re.ASCII)
_KNOWN: Final = {"pattern": frozenset({"kind", "is", "after", "never_after"})}
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
    weights = Weights(FILE, most=ALL_WAYS)
    found = []
    for _, one in entries(FILE, text, _KNOWN, most=MOST_PATTERNS):
        found.append(_read(one))
        weights.add(found[-1].kind, found[-1].form)
    return tuple(dict.fromkeys(found))


def _read(one: dict[str, str]) -> PlantPattern:
    kind, form = one.get("kind", ""), one.get("is", "")
    if not _KIND.fullmatch(kind):
        raise PackRefused(f"The kind of a pattern of {FILE} is written as EMPLOYEE_ID: 3 to 40 letters and digits.")
    if kind == _OF_THE_RELEASE:
        raise PackRefused(f"What a secret is, the release says; {FILE} cannot.")
    for words in (one.get("after", ""), one.get("never_after", "")):
        if not _WORDS.fullmatch(words):
            raise PackRefused(f"The words of {kind} in {FILE} are small letters with single blanks, 40 at most.")
    return PlantPattern(kind, form, *(tuple(one.get(key, "").split()) for key in ("after", "never_after")))
