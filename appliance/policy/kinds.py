"""Things of every kind that packs can tell apart, made up from what their policies compare with.

Each attribute takes every value that a policy sets against it, the person asking if one does, and one that nothing mentions; sets
take every subset. What two packs decide alike over all of these, they decide alike.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

from appliance.policy.errors import PackRefused
from appliance.policy.pack import Pack

OTHER: Final = "somebody or something else"
MOST: Final = 20_000
"""Combinations of one type; with the shipped pack there are some thousand documents."""


def kinds_of(entity: str, *packs: Pack) -> list[dict[str, Any]]:
    """Attributes of things of the type `entity`, one for each combination.

    Raises:
        PackRefused: there are so many that not all could be tried, and what was not tried might be what matters.
    """
    attributes = {name: kind for pack in packs for name, kind in pack.attributes.get(entity, {}).items()}
    choices = [
        [(name, value) for value in _values(kind, {word for pack in packs for word in pack.compared.get(name, ())})]
        for name, kind in sorted(attributes.items())
    ]
    if math.prod(len(one) for one in choices) > MOST:
        raise PackRefused(f"The policies tell more than {MOST} kinds of {entity} apart; nobody could compare them all.")
    return [dict(row) for row in itertools.product(*choices)]


def _values(kind: str, words: Iterable[str]) -> Sequence[Any]:
    known = sorted(words)
    match kind:
        case "long":
            return [1, 2, 3, 4]
        case "set":
            return [list(some) for size in range(len(known) + 1) for some in itertools.combinations(known, size)]
        case "string?":
            return [None, *known, OTHER]
        case _:
            return [*known, OTHER]
