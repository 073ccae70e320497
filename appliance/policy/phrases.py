"""A plant's own rules for what is asked and said to a model, `guard.toml` of a policy pack. Pure.

    [[DANGEROUS]]                        or SECURITY, or ADMIN: what a question asks to have done
    asks = 'open (?:the )?sluice'        a regular expression of Python, on one sentence in small letters with single blanks
    unless = '^(?:what|who|why) '        not where this is found in the sentence as well; may be left out

    [[strong]]                           or weak: an order to a language model, in a question or a document
    name = "names-the-box"               what is recorded of it, with `own:` before it
    is = 'tell outpost to'               a regular expression of Python, on the text in small letters with single blanks

They are added to those of the release; none of those can be taken away or changed. `weighing.py` says which can be taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, cast

from appliance.policy.errors import PackRefused
from appliance.policy.listing import Weights, entries

FILE: Final = "guard.toml"
MOST_RULES: Final = 200
ALL_WAYS: Final = 2_000
"""Of all rules of a pack together."""
Strength = Literal["strong", "weak"]
INTENTS: Final = ("DANGEROUS", "SECURITY", "ADMIN")
STRENGTHS: Final = ("strong", "weak")
OWN: Final = "own:"
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{2,39}", re.ASCII)
_KNOWN: Final = {
    **dict.fromkeys(INTENTS, frozenset({"asks", "unless"})),
    **dict.fromkeys(STRENGTHS, frozenset({"name", "is"})),
}


@dataclass(frozen=True, slots=True, order=True)
class PlantPhrase:
    """One phrase; no `unless` where it is empty."""

    intent: str
    asks: str
    unless: str = ""

    def told(self) -> str:
        """In words, for whoever compares two packs; no two are told alike."""
        return self.intent + (f" unless {self.unless!r}" if self.unless else "") + f": {self.asks}"


@dataclass(frozen=True, slots=True, order=True)
class PlantOrder:
    """One rule for orders to a model: a `strong` one is enough by itself. `name` begins with `own:`."""

    strength: Strength
    name: str
    form: str

    def told(self) -> str:
        """In words, for whoever compares two packs; no two are told alike."""
        return f"{self.strength} {self.name}: {self.form}"


@dataclass(frozen=True, slots=True)
class PlantRules:
    """What a `guard.toml` holds, each once and the gravest first."""

    phrases: tuple[PlantPhrase, ...] = ()
    orders: tuple[PlantOrder, ...] = ()


def read_rules(text: str) -> PlantRules:
    """The rules of a `guard.toml`.

    Raises:
        PackRefused: it is malformed, holds too many, or one could take long.
        tomllib.TOMLDecodeError: it is no TOML.
    """
    weights = Weights(FILE, most=ALL_WAYS)
    phrases, orders = [], []
    for name, one in entries(FILE, text, _KNOWN, most=MOST_RULES):
        if name in INTENTS:
            phrases.append(PlantPhrase(name, one.get("asks", ""), one.get("unless", "")))
            for key in ("asks", "unless") if "unless" in one else ("asks",):
                weights.add(name, one.get(key, ""))
        else:
            orders.append(_order(cast("Strength", name), one))
            weights.add(orders[-1].name, orders[-1].form)
    kept = tuple(dict.fromkeys(orders))
    if len({one.name for one in kept}) < len(kept):
        raise PackRefused(f"Two rules of {FILE} have one name.")
    return PlantRules(tuple(dict.fromkeys(phrases)), kept)


def _order(strength: Strength, one: dict[str, str]) -> PlantOrder:
    name = one.get("name", "")
    if not _NAME.fullmatch(name):
        raise PackRefused(f"The name of a rule under {strength} in {FILE} is written as names-the-box.")
    return PlantOrder(strength, OWN + name, one.get("is", ""))
