"""What will go away, in one table: a header of the answers (RFC 9745, RFC 8594) and a mark in the description.

Deprecation: @1767225600                                     since when
Sunset: Wed, 01 Jul 2026 00:00:00 GMT                         until when it answers
Link: </v1/things>; rel="successor-version"                   what to use
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Final


@dataclass(frozen=True, slots=True)
class Deprecated:
    """Moments are UTC. `removed_in` is the release that no longer has it."""

    since: dt.datetime
    sunset: dt.datetime
    successor: str
    removed_in: str

    def headers(self) -> list[tuple[bytes, bytes]]:
        return [
            (b"deprecation", f"@{int(self.since.timestamp())}".encode()),
            (b"sunset", format_datetime(self.sunset, usegmt=True).encode()),
            (b"link", f'<{self.successor}>; rel="successor-version"'.encode()),
        ]

    def told(self) -> str:
        """What the description says of it, in place of what it did."""
        return f"Use {self.successor}. This answers until {self.sunset:%Y-%m-%d}; release {self.removed_in} has it no more."


DEPRECATED: Final[Mapping[str, Deprecated]] = {}
"""By method and path template: `GET /v1/things/{thing_id}`. Nothing is deprecated; `/api/v1` is an alias that stays."""
