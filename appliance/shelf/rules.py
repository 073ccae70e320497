"""Decisions about models, pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, cast, get_args

from appliance.shelf.errors import BadModelName
from appliance.shelf.values import ModelPackage, Tier

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
ALIASES: Final = {"fast": "light", "heavy": "heavy"}
"""Names that the field uses for tiers (LIGHT, STANDARD, HEAVY are written small here)."""


def named(name: str) -> str:
    """Raises BadModelName."""
    if not NAME.fullmatch(name):
        raise BadModelName(f"{name[:80]!r} cannot be the name of a model.")
    return name


def tiers(wanted: Iterable[str]) -> tuple[Tier, ...]:
    """Each once, `light` where none is named. Raises BadModelName."""
    made: list[Tier] = []
    for one in wanted:
        low = ALIASES.get(one.lower(), one.lower())
        if low not in get_args(Tier):
            raise BadModelName(f"{one[:40]!r} is no tier; there are light (fast), standard and heavy.")
        made.append(cast("Tier", low))
    return tuple(dict.fromkeys(made)) or ("light",)


def chosen(packages: Sequence[ModelPackage], word: str) -> ModelPackage | None:
    """The package with this id, or the newest that can be used with this name."""
    by_id = [one for one in packages if str(one.id) == word]
    named_so = sorted((one for one in packages if one.name == word), key=lambda one: one.imported_at)
    usable = [one for one in named_so if one.state != "refused"]
    found = by_id or usable or named_so
    return found[-1] if found else None
