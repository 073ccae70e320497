"""What people are told of answers that an AI system has put together, in their language. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

FALLBACK: Final = "en"
MOST_LANGUAGES: Final = 20
"""Of a header; what comes after them is not looked at."""


@cache
def shipped() -> Mapping[str, str]:
    """The texts of this release by language."""
    return tomllib.loads(files("appliance.guard").joinpath("disclosure.toml").read_text(encoding="utf-8"))


def chosen(texts: Mapping[str, str], accepted: str | None) -> str:
    """The text in the language that is wanted most: a plant's own before the release's, English where there is none.

    Args:
        texts: the plant's own, by language (`de`, `de-AT`).
        accepted: the header Accept-Language (RFC 9110, 12.5.4).
    """
    known = {language.lower(): text for language, text in {**shipped(), **texts}.items()}
    for language in _wanted(accepted or ""):
        for one in (language, language.partition("-")[0]):
            if one in known:
                return known[one]
    return known[FALLBACK]


def _wanted(accepted: str) -> list[str]:
    """Languages, the most wanted first; those of equal weight in their order."""
    found: list[tuple[float, str]] = []
    for part in accepted.split(",")[:MOST_LANGUAGES]:
        language, _, weight = part.strip().lower().partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        if language and 0 < quality <= 1:
            found.append((quality, language.strip()))
    return [language for _, language in sorted(found, key=lambda one: -one[0])]
