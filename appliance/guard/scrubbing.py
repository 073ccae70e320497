"""Structures without personal data and secrets: what goes into a log, an event or an error. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from appliance.guard.pii import SECRET, find, redact

DEEPEST: Final = 12
LONGEST: Final = 20_000
"""Characters of a text that are looked through; what is beyond is left out, not passed."""
_HIDDEN: Final = re.compile(
    r"(?i)^(?:.*[_-])?(?:password|passwd|secret|token|api_?key|authorization|cookie|pin|passphrase)$"
)


def scrub(value: Any, *, depth: int = 0) -> Any:
    """The same structure; texts are redacted, and what stands under a name of a secret is replaced whole."""
    if depth > DEEPEST:
        return "[TOO DEEP]"
    match value:
        case str():
            short = value[:LONGEST]
            return redact(short, find(short)) + (" […]" if len(value) > LONGEST else "")
        case Mapping():
            return {
                key: f"[{SECRET}]"
                if isinstance(key, str) and _HIDDEN.match(key) and one
                else scrub(one, depth=depth + 1)
                for key, one in value.items()
            }
        case list() | tuple() | set() | frozenset():
            return [scrub(one, depth=depth + 1) for one in value]
        case _:
            return value
