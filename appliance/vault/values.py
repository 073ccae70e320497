"""What the vault gives out: facts to people, values to connectors, and what the log must not say."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, quote_plus

MASK: Final = "[secret]"


@dataclass(frozen=True, slots=True)
class SecretFacts:
    """All that anybody is told of a secret. `before_until` is how long the version before is still good, if it is."""

    name: str
    version: int
    created_at: dt.datetime
    last_used: dt.datetime | None
    before_until: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Revealed:
    """A secret for a connector. `before` is the value before the last rotation while that is still good."""

    name: str
    version: int
    value: str
    before: str | None

    def __repr__(self) -> str:
        return f"Revealed({self.name}, version {self.version})"


class Masks:
    """The secrets that this process has had in its hands, so that its log can leave them out."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._longest_first: tuple[str, ...] = ()

    def learn(self, value: str) -> None:
        """Know `value`, also as it is written in an address."""
        self._known |= {value, quote(value, safe=""), quote_plus(value)}
        self._longest_first = tuple(sorted(self._known, key=len, reverse=True))

    def masked(self, text: str) -> str:
        """`text` with every known secret replaced."""
        for value in self._longest_first:
            if value in text:
                text = text.replace(value, MASK)
        return text
