"""How requests to data owners are answered: the `[approvals]` table of a policy pack.

[approvals]
needed = { ingest = 2 }     how many must agree, 1 where a kind is not named
escalate_hours = 4          without an answer for so long, a request is put before the admins
expire_hours = 24           and is rejected by itself after so long
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

APPROVALS: Final = frozenset({"ingest", "list", "use", "declassify", "regime"})
MOST_AGREEING: Final = 3
MOST_HOURS: Final = 24 * 90


@dataclass(frozen=True, slots=True)
class Patience:
    """For how many hours a request waits, `expire` more than `escalate`."""

    escalate_hours: int = 4
    expire_hours: int = 24

    @property
    def first(self) -> dt.timedelta:
        """Until it is put before the admins."""
        return dt.timedelta(hours=self.escalate_hours)

    @property
    def then(self) -> dt.timedelta:
        """From there until it is rejected."""
        return dt.timedelta(hours=self.expire_hours - self.escalate_hours)


def read_needed(table: Mapping[str, Any]) -> dict[str, int]:
    """How many must agree to a kind of request. Raises ValueError."""
    needed = table.get("needed", {})
    if set(table) - {"needed", "escalate_hours", "expire_hours"}:
        raise ValueError("[approvals] has `needed`, `escalate_hours` and `expire_hours`.")
    if set(needed) - APPROVALS:
        raise ValueError(f"`needed` of [approvals] has numbers for {', '.join(sorted(APPROVALS))}.")
    if any(type(number) is not int or not 1 <= number <= MOST_AGREEING for number in needed.values()):
        raise ValueError(f"From 1 to {MOST_AGREEING} people agree to a request.")
    return dict(needed)


def read_patience(table: Mapping[str, Any]) -> Patience:
    """For how long a request waits. Raises ValueError."""
    usual = Patience()
    escalate = table.get("escalate_hours", usual.escalate_hours)
    expire = table.get("expire_hours", usual.expire_hours)
    if type(escalate) is not int or type(expire) is not int or not 1 <= escalate < expire <= MOST_HOURS:
        raise ValueError(
            f"`escalate_hours` and `expire_hours` are whole hours, at most {MOST_HOURS}, the second more than the first."
        )
    return Patience(escalate, expire)
