"""How many tokens chat models may take where an admin has set nothing: the `[budgets]` table of a policy pack.

    [budgets]          soft_percent = 80                                      from this share on people are warned
    [budgets.roles]    viewer = { day = 20000, month = 400000, hard = true }  each person of a role; `kiosk` is one kiosk
    [budgets.tenant]   month = 5000000, hard = true                           the plant, programs and cards included

A hard one stops the writing until the period ends, and quotes go on; one that is not hard only warns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

SOFT_PERCENT: Final = 80
PERIODS: Final[tuple[Literal["day", "month"], ...]] = ("day", "month")


@dataclass(frozen=True, slots=True)
class Allowance:
    """Tokens of prompt and answer in a day and in a month (UTC); None where that is not limited."""

    day: int | None = None
    month: int | None = None
    hard: bool = True


@dataclass(frozen=True, slots=True)
class Budgets:
    """The budgets of a pack, below what an admin set."""

    roles: Mapping[str, Allowance] = field(default_factory=dict)
    tenant: Allowance = field(default_factory=Allowance)
    soft_percent: int = SOFT_PERCENT


def read_budgets(table: Mapping[str, Any]) -> Budgets:
    """The budgets in the `[budgets]` table of `pack.toml`.

    Raises:
        ValueError: a name that is none, or a number that cannot be.
    """
    if unknown := set(table) - {"roles", "tenant", "soft_percent"}:
        raise ValueError(f"budgets has no {sorted(unknown)[0]!r}.")
    soft = table.get("soft_percent", SOFT_PERCENT)
    if type(soft) is not int or not 1 <= soft <= 100:
        raise ValueError("soft_percent is a whole number from 1 to 100.")
    return Budgets(
        roles={name: _allowance(name, one) for name, one in table.get("roles", {}).items()},
        tenant=_allowance("tenant", table["tenant"]) if "tenant" in table else Allowance(),
        soft_percent=soft,
    )


def _allowance(name: str, table: Mapping[str, Any]) -> Allowance:
    if not set(table) & set(PERIODS) or set(table) - {*PERIODS, "hard"}:
        raise ValueError(f"The budget of {name} is {{ day = …, month = …, hard = true }}, or some of it.")
    for period in PERIODS:
        if period in table and (type(table[period]) is not int or table[period] < 1):
            raise ValueError(f"The budget of {name} is a whole number of tokens above zero.")
    if type(table.get("hard", True)) is not bool:
        raise ValueError(f"`hard` of the budget of {name} is true or false.")
    return Allowance(table.get("day"), table.get("month"), table.get("hard", True))
