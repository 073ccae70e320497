"""Which model answers what, pure.

tier      of a question: what it asks for, how long it is, from how many passages it is answered
order     the tier's own models, then better ones, then lesser ones; within a tier the main provider, then by priority
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from appliance.routing.values import AUTO, LOCAL, Default, Route, Scope
from appliance.shelf.rules import ALIASES
from appliance.shelf.values import TIERS, Tier

LONG_WORDS, MANY_PASSAGES = 30, 3
_REASONING: Final = re.compile(
    r"\b(?:why|compare|compared|comparison|differ|differs|difference|versus|vs|explain|analy[sz]e|analysis|root cause|"
    r"trade-?offs?|summari[sz]e|summary|evaluate|assess|recommend|plan|optimi[sz]e|pros and cons|what if|how come)\b",
    re.IGNORECASE,
)
_CODE: Final = re.compile(
    r"\b(?:write|generate|draft)\b.{0,40}\b(?:code|script|program|function|query|sql|macro|regex)\b", re.IGNORECASE
)
PRECEDENCE: Final[tuple[Scope, ...]] = ("user", "role", "tenant", "global")


def complexity(question: str, *, passages: int, long: bool) -> Tier:
    """Light for a plain look-up; standard where one thing makes it harder; heavy where two do, or code is wanted.

    Args:
        passages: how many it is answered from.
        long: a long answer was asked for.
    """
    if _CODE.search(question):
        return "heavy"
    harder = sum(
        (
            _REASONING.search(question) is not None,
            len(question.split()) > LONG_WORDS or question.count("?") > 1,
            passages >= MANY_PASSAGES,
            long,
        )
    )
    return TIERS[min(harder, 2)]


def tier_of(word: str) -> Tier | None:
    """The tier that a word means, aliases of the field included; None where it means none."""
    low = ALIASES.get(word.lower(), word.lower())
    return next((tier for tier in TIERS if tier == low), None)


def ordered(routes: Iterable[Route], tier: Tier, *, main: str = "") -> list[Route]:
    """Who is asked, one after the other: escalation goes up a step at a time, and only then down.

    Args:
        main: the provider that goes first within a tier, whatever its priority.
    """

    def place(route: Route) -> tuple[int, bool, int, bool, str]:
        provider = route.provider
        return (_steps(route.tiers, tier), provider.name != main, provider.priority, provider.name != LOCAL, route.name)

    return sorted(routes, key=place)


def best(routes: Iterable[Route], *, main: str = "") -> list[Route]:
    """The best first."""
    return ordered(routes, TIERS[-1], main=main)


def named(routes: Sequence[Route], name: str) -> list[Route]:
    """The routes of a model, by the name that it has there or that answers bear."""
    return [one for one in routes if name in (one.model, one.name)]


def resolved(defaults: Sequence[Default], routes: Sequence[Route]) -> Default:
    """The default that counts: the nearest to the person that can be kept. One for a model that is not there cannot."""
    for scope in PRECEDENCE:
        for one in defaults:
            if one.scope == scope and (one.choice == AUTO or tier_of(one.choice) or named(routes, one.choice)):
                return one
    return Default("global", "", AUTO)


def _steps(tiers: Sequence[Tier], wanted: Tier) -> int:
    """0 for the tier itself, 1 and 2 for those above it, then 3 and 4 for those below."""
    at = TIERS.index(wanted)
    distances = [TIERS.index(one) - at for one in tiers]
    return min((one if one >= 0 else 2 - one for one in distances), default=len(TIERS) * 2)
