"""Token budgets, pure: what is left, when it is full again, and what that means for the next answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

Period = Literal["day", "month"]
Scope = Literal["tenant", "person", "provider"]
SOFT: Final = 0.8
"""From this share on people are warned."""


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `limit` tokens of prompt and answer together in a period (UTC). A soft one only warns.

    `provider` narrows it to what that one writes; empty counts what all write.
    """

    id: UUID
    scope: Scope
    person_id: UUID | None
    period: Period
    limit: int
    hard: bool
    provider: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """A budget and what of it is used."""

    budget: Budget
    used: int

    @property
    def share(self) -> float:
        return self.used / self.budget.limit


def begin(period: Period, now: dt.datetime) -> dt.datetime:
    """When the running period began."""
    day = now.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day if period == "day" else day.replace(day=1)


def end(period: Period, now: dt.datetime) -> dt.datetime:
    """When the next one begins."""
    start = begin(period, now)
    if period == "day":
        return start + dt.timedelta(days=1)
    return (start + dt.timedelta(days=32)).replace(day=1)


def exhausted(standings: Sequence[Standing], tokens: int) -> Standing | None:
    """The hard budget that `tokens` more would break; of several one of all providers, then the one full again last."""
    broken = [one for one in standings if one.budget.hard and one.used + tokens > one.budget.limit]
    return max(broken, key=lambda one: (not one.budget.provider, one.budget.period == "month"), default=None)


def warning(standings: Sequence[Standing]) -> Standing | None:
    """The budget that is nearest to its end, once four fifths of it are used."""
    near = [one for one in standings if one.share >= SOFT]
    return max(near, key=lambda one: one.share, default=None)
