"""Words that mean the same in maintenance English, by stem."""

from __future__ import annotations

from functools import lru_cache

from appliance.retrieval.terms import english, stem


@lru_cache(maxsize=1)
def _groups() -> dict[str, frozenset[str]]:
    of_stem: dict[str, frozenset[str]] = {}
    for line in english()["groups"]:
        group = frozenset(stem(word) for word in line.split())
        for key in group:
            of_stem[key] = of_stem.get(key, frozenset()) | group
    return of_stem


def alternatives(key: str) -> tuple[str, ...]:
    """Other stems that mean about the same as `key`, in alphabetical order; empty for most words."""
    return tuple(sorted(_groups().get(key, frozenset()) - {key}))
