"""What may be kept, and which versions of it are good. Decides, and touches nothing.

set      version n+1, good at once; n is forgotten
rotate   version n+1, good at once; n stays good until `now + grace`, whatever is before n is forgotten
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Final

from appliance.vault.errors import BadSecret

NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
SHORTEST: Final = 4
"""Shorter ones could not be kept out of a log without spoiling it."""
LONGEST: Final = 8192
MOST_NAMES: Final = 200
LONGEST_GRACE: Final = dt.timedelta(days=30)


def check(name: str, value: str) -> None:
    """Raises BadSecret."""
    if not NAME.fullmatch(name):
        raise BadSecret(f"{name[:40]!r} cannot be the name of a secret.")
    if not SHORTEST <= len(value) <= LONGEST:
        raise BadSecret(f"The value of {name} has {len(value)} characters.")
    if "\0" in value:
        raise BadSecret(f"The value of {name} holds a character that no system takes.")


def check_grace(grace: dt.timedelta) -> None:
    """Raises BadSecret."""
    if not dt.timedelta(0) <= grace <= LONGEST_GRACE:
        raise BadSecret(f"The version before can stay good for at most {LONGEST_GRACE.days} days.")


def good(good_until: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether a version may be used: the present one always, the one before until its end."""
    return good_until is None or now < good_until


def place(tenant: uuid.UUID, name: str, version: int) -> str:
    """What a sealed value is bound to: moved to another tenant, name or version, it does not open."""
    return f"vault/{tenant}/{name}/{version}"
