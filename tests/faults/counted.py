"""What a test of a fault has tried and found, for the table of `make faults`.

FAULTS=deep has the tests try all that there is: every step, two hundred kills. Else they try some of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

DEEP: Final = os.environ.get("FAULTS") == "deep"
KILLS: Final = int(os.environ.get("FAULTS_KILLS", "200"))
LOSSES: Final = (
    "acknowledged and lost",
    "committed, and not there",
    "the job is lost",
    "record of",
    "message",
    "document",
)


@dataclass
class Count:
    """`acknowledged` are records, jobs or requests that somebody was told are done."""

    tries: int = 0
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def note(self, found: Iterable[str], *, where: str = "") -> None:
        """Add what was found after one try."""
        for one in found:
            (self.lost if one.startswith(LOSSES) else self.wrong).append(f"{where}: {one}" if where else one)
