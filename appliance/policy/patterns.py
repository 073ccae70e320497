r"""A plant's own patterns of personal or plant data, `pii.toml` of a policy pack. Pure.

    [[pattern]]
    kind = "EMPLOYEE_ID"           what stands in its place
    is = '\bE-\d{5}\b'             a regular expression of Python
    after = "employee badge"       only where one of these words stands before it
    never_after = "order part"     not where one of these does
    check = "luhn"                 only what passes this check of its digits

    [[action]]
    kind = "EMPLOYEE_ID"           of the plant or of the release
    then = "block"                 or redact, or warn: what becomes of it
    from_class = "3"               for sources of this class on; of every class where it is left out

They are added to those of the release; none of those can be taken away or changed. `weighing.py` says which can be taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from appliance.policy.errors import PackRefused
from appliance.policy.listing import Weights, entries

FILE: Final = "pii.toml"
MOST_PATTERNS: Final = 200
ALL_WAYS: Final = 2_000
"""Of all patterns of a pack together."""
_KIND: Final = re.compile(r"[A-Z][A-Z0-9_]{2,39}", re.ASCII)
_WORDS: Final = re.compile(r"(?:[a-z]{1,40}(?: |$)){0,40}", re.ASCII)
CHECKS: Final = ("luhn", "mod97", "card", "iban", "ssn", "address", "phone")
"""Checks that a pattern can ask for; the guard has one of each name."""
KINDS: Final = frozenset({
    "CREDIT_CARD", "DATE_OF_BIRTH", "EMAIL_ADDRESS", "EMPLOYEE_ID", "IBAN_CODE", "IP_ADDRESS", "PASSPORT", "PERSON",
    "PHONE_NUMBER", "URL", "US_DRIVER_LICENSE", "US_SSN",
})  # fmt: skip
"""Kinds of personal data that the release knows."""
_NOT_PERSONAL: Final = "URL"
Then = Literal["warn", "redact", "block"]
STRICTNESS: Final[tuple[Then | None, ...]] = (None, "warn", "redact", "block")
_KNOWN: Final = {
    "pattern": frozenset({"kind", "is", "after", "never_after", "check"}),
    "action": frozenset({"kind", "then", "from_class"}),
}
_OF_THE_RELEASE: Final = "SECRET"


@dataclass(frozen=True, slots=True, order=True)
class PlantPattern:
    """One pattern. `after` and `never_after` are small words."""

    kind: str
    form: str
    after: tuple[str, ...] = ()
    never_after: tuple[str, ...] = ()
    check: str = ""

    def told(self) -> str:
        """In words, for whoever compares two packs; no two are told alike."""
        after = f" after {' '.join(self.after)}" if self.after else ""
        never = f", never after {' '.join(self.never_after)}" if self.never_after else ""
        checked = f", checked by {self.check}" if self.check else ""
        return f"{self.kind}{after}{never}{checked}: {self.form}"


@dataclass(frozen=True, slots=True, order=True)
class PlantAction:
    """What becomes of a kind in what models read and write, for sources of a class (1 to 4) and above."""

    kind: str
    from_class: int
    then: Then


@dataclass(frozen=True, slots=True)
class PlantData:
    """What a `pii.toml` holds: patterns in their order, each once; actions by kind and class."""

    patterns: tuple[PlantPattern, ...] = ()
    actions: tuple[PlantAction, ...] = ()

    def at(self, level: int) -> dict[str, Then]:
        """What becomes of which kind, for sources of this class."""
        return {one.kind: one.then for one in self.actions if one.from_class <= level}


def default_of(kind: str) -> Then | None:
    """What becomes of a kind for which neither a pack nor a plant says anything."""
    return None if kind == _NOT_PERSONAL else "redact"


def read_data(text: str) -> PlantData:
    """What a `pii.toml` holds.

    Raises:
        PackRefused: it is malformed, holds too many, or one could take long or take texts apart.
        tomllib.TOMLDecodeError: it is no TOML.
    """
    weights = Weights(FILE, most=ALL_WAYS)
    found, actions = [], []
    for name, one in entries(FILE, text, _KNOWN, most=MOST_PATTERNS):
        if name == "action":
            actions.append(_read_action(one))
        else:
            found.append(_read(one))
            weights.add(found[-1].kind, found[-1].form)
    known = KINDS | {one.kind for one in found}
    if unknown := [one.kind for one in actions if one.kind not in known]:
        raise PackRefused(f"{FILE} says what becomes of {unknown[0]}, which nothing looks for.")
    if len({(one.kind, one.from_class) for one in actions}) < len(actions):
        raise PackRefused(f"{FILE} says twice what becomes of one kind from one class on.")
    return PlantData(tuple(dict.fromkeys(found)), tuple(sorted(actions)))


def _read_action(one: dict[str, str]) -> PlantAction:
    kind, then, level = one.get("kind", ""), one.get("then", ""), one.get("from_class", "1")
    if not _KIND.fullmatch(kind) or kind == _OF_THE_RELEASE:
        raise PackRefused(f"An action of {FILE} names a kind as EMPLOYEE_ID, and no secret.")
    if then not in STRICTNESS[1:]:
        raise PackRefused(f"What becomes of {kind} in {FILE} is warn, redact or block.")
    if level not in {"1", "2", "3", "4"}:
        raise PackRefused(f'The class of {kind} in {FILE} is written as "1" to "4".')
    return PlantAction(kind, int(level), then)


def _read(one: dict[str, str]) -> PlantPattern:
    kind, form = one.get("kind", ""), one.get("is", "")
    if not _KIND.fullmatch(kind):
        raise PackRefused(f"The kind of a pattern of {FILE} is written as EMPLOYEE_ID: 3 to 40 letters and digits.")
    if kind == _OF_THE_RELEASE:
        raise PackRefused(f"What a secret is, the release says; {FILE} cannot.")
    for words in (one.get("after", ""), one.get("never_after", "")):
        if not _WORDS.fullmatch(words):
            raise PackRefused(f"The words of {kind} in {FILE} are small letters with single blanks, 40 at most.")
    check = one.get("check", "")
    if "check" in one and check not in CHECKS:
        raise PackRefused(f"The check of {kind} in {FILE} is one of {', '.join(CHECKS)}.")
    after, never_after = (tuple(one.get(key, "").split()) for key in ("after", "never_after"))
    return PlantPattern(kind, form, after, never_after, check)
