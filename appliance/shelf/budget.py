"""Budgets of tokens, calls and searches, pure: what is left, when it is full again, and what that means for the next answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from appliance.policy.budgets import COUNTED, PERIODS, Allowance, Budgets, Counted

Period = Literal["day", "month"]
Scope = Literal["tenant", "person", "provider"]
SOFT: Final = 0.8
"""From this share on people are warned."""
OF_THE_PACK: Final = UUID(int=0)
"""The id of a budget that the policy pack gives."""


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `limit` tokens of prompt and answer together, or calls, or searches, in a period (UTC). A soft one only warns.

    `provider` narrows it to what that one writes; empty counts what all write.
    """

    id: UUID
    scope: Scope
    person_id: UUID | None
    period: Period
    limit: int
    hard: bool
    provider: str = ""
    counts: Counted = "tokens"

    def needs(self, tokens: int) -> int:
        """What one more use of so many tokens takes of it."""
        return tokens if self.counts == "tokens" else 1


@dataclass(frozen=True, slots=True)
class Standing:
    """A budget and what of it is used."""

    budget: Budget
    used: int

    @property
    def share(self) -> float:
        return self.used / self.budget.limit


@dataclass(frozen=True, slots=True)
class Given:
    """A budget of the policy pack: `who` is a role or `kiosk`, and holds for each of it; None is the plant."""

    who: str | None
    period: Period
    limit: int
    hard: bool
    counts: Counted = "tokens"


def given(said: Budgets) -> list[Given]:
    """The budgets of a policy pack: the plant's, then those of roles by name; the day before the month."""
    every: list[tuple[Counted, str | None, Allowance]] = []
    for counts in COUNTED:
        quota = said.quota(counts)
        every += [(counts, None, quota.tenant), *((counts, *one) for one in sorted(quota.roles.items()))]
    return [
        Given(who, period, limit, allowance.hard, counts)
        for counts, who, allowance in every
        for period in PERIODS
        if (limit := allowance.day if period == "day" else allowance.month) is not None
    ]


def defaults(
    said: Budgets, who: str | None, person_id: UUID, known: Sequence[Budget], counted: Sequence[Counted] = ("tokens",)
) -> list[Budget]:
    """The budgets of the policy pack that count, where nobody set one for the same person or plant and period.

    Args:
        who: the role of a person, or `kiosk`; None for a program, which counts against the plant alone.
        counted: what the use takes.
    """
    wanted: list[tuple[Counted, UUID | None, Scope, Allowance]] = []
    for counts in counted:
        quota = said.quota(counts)
        wanted.append((counts, None, "tenant", quota.tenant))
        if who is not None and who in quota.roles:
            wanted.append((counts, person_id, "person", quota.roles[who]))
    taken = {(one.counts, one.person_id, one.period) for one in known if not one.provider}
    found: list[Budget] = []
    for counts, person, scope, allowance in wanted:
        for period in PERIODS:
            limit = allowance.day if period == "day" else allowance.month
            if limit is not None and (counts, person, period) not in taken:
                found.append(Budget(OF_THE_PACK, scope, person, period, limit, allowance.hard, counts=counts))
    return found


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


def exhausted(standings: Sequence[Standing], tokens: int, until: int = 100) -> Standing | None:
    """The hard budget that `tokens` more would break; of several one of all providers, then the one full again last.

    Args:
        until: percent of a budget that may be used; one of a provider is never stretched, since others may write.
    """
    broken = [
        one
        for one in standings
        if one.budget.hard
        and (one.used + one.budget.needs(tokens)) * 100 > one.budget.limit * (100 if one.budget.provider else until)
    ]
    return max(broken, key=lambda one: (not one.budget.provider, one.budget.period == "month"), default=None)


def warning(standings: Sequence[Standing], soft: float = SOFT) -> Standing | None:
    """The budget that is nearest to its end, once the share `soft` of it is used: four fifths, if nobody says otherwise."""
    near = [one for one in standings if one.share >= soft]
    return max(near, key=lambda one: one.share, default=None)
