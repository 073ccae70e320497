"""Names of teams, decided without touching anything."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from appliance.teams.errors import BadTeam

LONGEST_NAME: Final = 80
LONGEST_SLUG: Final = 64
LARGEST_CONFIG: Final = 4096
MOST_MEMBERS: Final = 500
_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def name(text: str) -> str:
    """A name as it is kept. Raises BadTeam."""
    kept = " ".join(unicodedata.normalize("NFC", text).split())
    if not 1 <= len(kept) <= LONGEST_NAME or not kept.isprintable():
        raise BadTeam(f"The name of a team has 1 to {LONGEST_NAME} characters.")
    return kept


def slug(text: str) -> str:
    """A short name as it is kept. Raises BadTeam."""
    kept = text.strip().lower()
    if len(kept) > LONGEST_SLUG or not _SLUG.fullmatch(kept):
        raise BadTeam("A short name has small letters and digits, with single dashes between them.")
    return kept


def slug_of(text: str) -> str:
    """A short name made of a name. Raises BadTeam where nothing of it is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return slug("-".join(re.findall(r"[a-z0-9]+", plain))[:LONGEST_SLUG].strip("-"))


def config(said: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as they are kept. Raises BadTeam."""
    try:
        size = len(json.dumps(said, allow_nan=False))
    except (ValueError, RecursionError):
        raise BadTeam("The settings hold what cannot be kept.") from None
    if size > LARGEST_CONFIG:
        raise BadTeam(f"The settings are larger than {LARGEST_CONFIG} bytes.")
    return dict(said)
