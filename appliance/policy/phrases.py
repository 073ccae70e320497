"""A plant's own phrases of what a question asks to have done, `guard.toml` of a policy pack. Pure.

    [[DANGEROUS]]                        or SECURITY, or ADMIN
    asks = 'open (?:the )?sluice'        a regular expression of Python, on one sentence in small letters with single blanks
    unless = '^(?:what|who|why) '        not where this is found in the sentence as well; may be left out

They are added to those of the release; none of those can be taken away or changed. `weighing.py` says which can be taken.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any, Final

from appliance.policy.errors import PackRefused
from appliance.policy.weighing import weighed

MOST_PHRASES: Final = 200
ALL_WAYS: Final = 2_000
"""Of all phrases of a pack together."""
INTENTS: Final = ("DANGEROUS", "SECURITY", "ADMIN")


@dataclass(frozen=True, slots=True, order=True)
class PlantPhrase:
    """One phrase; no `unless` where it is empty."""

    intent: str
    asks: str
    unless: str = ""

    def told(self) -> str:
        """In words, for whoever compares two packs; no two are told alike."""
        return self.intent + (f" unless {self.unless!r}" if self.unless else "") + f": {self.asks}"


def read_phrases(text: str) -> tuple[PlantPhrase, ...]:
    """The phrases of a `guard.toml`, each once.

    Raises:
        PackRefused: it is malformed, holds too many, or one could take long.
        tomllib.TOMLDecodeError: it is no TOML.
    """
    facts = tomllib.loads(text)
    if unknown := sorted(facts.keys() - set(INTENTS)):
        raise PackRefused(f"guard.toml has {unknown[0][:40]!r}; known are {', '.join(INTENTS)}.")
    if not all(isinstance(listed, list) for listed in facts.values()):
        raise PackRefused("guard.toml holds [[DANGEROUS]], [[SECURITY]] and [[ADMIN]].")
    if sum(map(len, facts.values())) > MOST_PHRASES:
        raise PackRefused(f"guard.toml holds more than {MOST_PHRASES} phrases.")
    found = [_read(intent, one) for intent in INTENTS for one in facts.get(intent, ())]
    if sum(ways for _, ways in found) > ALL_WAYS:
        raise PackRefused(f"The phrases of guard.toml can be tried in more than {ALL_WAYS} ways together.")
    return tuple(dict.fromkeys(phrase for phrase, _ in found))


def _read(intent: str, one: Any) -> tuple[PlantPhrase, int]:
    if not isinstance(one, dict) or not all(isinstance(value, str) for value in one.values()):
        raise PackRefused(f"A phrase of {intent} in guard.toml is no table of texts.")
    if unknown := sorted(one.keys() - {"asks", "unless"}):
        raise PackRefused(f"A phrase of {intent} in guard.toml has {unknown[0][:40]!r}; known are asks, unless.")
    phrase = PlantPhrase(intent, one.get("asks", ""), one.get("unless", ""))
    ways = 0
    for form in (phrase.asks, phrase.unless) if "unless" in one else (phrase.asks,):
        problem, more = weighed(form)
        if problem:
            raise PackRefused(f"A phrase of {intent} in guard.toml {problem}.")
        ways += more
    return phrase, ways
