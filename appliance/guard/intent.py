"""What a question asks to have done: a table of phrases, no model. Pure.

It says what is asked, not whether it may be done; that is the policy's. Each sentence is judged by itself, and one that asks what
the documents say about such a thing ("What does drop all mean?", "Who may override the interlock?") asks for nothing to be done.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

from appliance.guard.plain import plain
from appliance.policy.phrases import PlantPhrase


class Intent(StrEnum):
    """The gravest first; only those above GRAPH need a permission of their own."""

    DANGEROUS = "DANGEROUS"
    """Destroys, or takes a safety device out of use."""
    SECURITY = "SECURITY"
    """Reaches for what is protected: passwords, keys, another tenant, ways round sign-in and record."""
    ADMIN = "ADMIN"
    """Manages people, roles, models, policies, the node."""
    GRAPH = "GRAPH"
    """Asks how things of the plant are connected."""
    CHAT = "CHAT"
    """Anything else."""


FREE: Final = frozenset({Intent.GRAPH, Intent.CHAT})
_SENTENCE: Final = re.compile(r"(?<=[.!?;])\s+|\n+")


@dataclass(frozen=True, slots=True)
class _Phrase:
    asks: re.Pattern[str]
    unless: re.Pattern[str] | None


@cache
def _table() -> tuple[tuple[Intent, tuple[_Phrase, ...]], ...]:
    told = tomllib.loads(files("appliance.guard").joinpath("intent.toml").read_text(encoding="utf-8"))
    pieces = told["pieces"]

    def compiled(pattern: str) -> re.Pattern[str]:
        return re.compile(re.sub(r"\{([a-z_]+)\}", lambda found: pieces[found[1]], pattern))

    return tuple(
        (
            intent,
            tuple(
                _Phrase(compiled(one["asks"]), compiled(one["unless"]) if "unless" in one else None)
                for one in told[intent.value]
            ),
        )
        for intent in Intent
        if intent.value in told
    )


@lru_cache(maxsize=32)
def _with_own(own: tuple[PlantPhrase, ...]) -> tuple[tuple[Intent, tuple[_Phrase, ...]], ...]:
    """The table of the release with the phrases of a plant's pack after its own."""
    return tuple(
        (
            intent,
            phrases
            + tuple(
                _Phrase(
                    re.compile(one.asks, re.IGNORECASE), re.compile(one.unless, re.IGNORECASE) if one.unless else None
                )
                for one in own
                if one.intent == intent.value
            ),
        )
        for intent, phrases in _table()
    )


def intent_of(text: str, own: tuple[PlantPhrase, ...] = ()) -> Intent:
    """The gravest intent that a sentence of `text` shows, by the release's phrases and a plant's own."""
    read = [re.sub(r"\s+", " ", one) for one in _SENTENCE.split(plain(text).lower().strip())]
    for intent, phrases in _with_own(own):
        for phrase in phrases:
            if any(
                phrase.asks.search(one) and not (phrase.unless is not None and phrase.unless.search(one))
                for one in read
            ):
                return intent
    return Intent.CHAT
