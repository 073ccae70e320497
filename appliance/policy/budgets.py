"""What chat models and searches may take where an admin has set nothing, and what it costs: the `[budgets]` table of a policy pack.

    [budgets]          soft_percent = 80                                      from this share on people are warned
                       light_until = 120                                      a full hard one leaves light models until here
    [budgets.roles]    viewer = { day = 20000, month = 400000, hard = true }  each person of a role; `kiosk` is one kiosk
    [budgets.tenant]   month = 5000000, hard = true                           the plant, programs and cards included
    [budgets.calls]    roles = {...}, tenant = {...}                          the same for calls of chat models, however long
    [budgets.searches] roles = {...}, tenant = {...}                          the same for searches and questions
    [budgets.prices]   "ibex/qwen-72b" = { prompt = "0.90", completion = "2.70", currency = "EUR" }   a million tokens

A hard one of tokens or calls stops the writing until the period ends, and quotes go on; one that is not hard only warns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

SOFT_PERCENT: Final = 80
LIGHT_UNTIL: Final = 120
PERIODS: Final[tuple[Literal["day", "month"], ...]] = ("day", "month")
Counted = Literal["tokens", "calls", "searches"]
COUNTED: Final[tuple[Counted, ...]] = ("tokens", "calls", "searches")
MICRO: Final = 1_000_000
"""Millionths of a currency, which costs are counted in; and the tokens that a price is for."""
MOST_PRICE: Final = 10**6


@dataclass(frozen=True, slots=True)
class Allowance:
    """Tokens of prompt and answer, or uses, in a day and in a month (UTC); None where that is not limited."""

    day: int | None = None
    month: int | None = None
    hard: bool = True


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens of prompt and of answer cost, in millionths of a currency."""

    prompt: int
    completion: int
    currency: str

    def cost(self, prompt: int, completion: int) -> int:
        """Of so many tokens, in millionths of the currency, rounded up."""
        return -(-(prompt * self.prompt + completion * self.completion) // MICRO)


@dataclass(frozen=True, slots=True)
class Quota:
    """For each person of a role, and for the plant."""

    roles: Mapping[str, Allowance] = field(default_factory=dict)
    tenant: Allowance = field(default_factory=Allowance)


@dataclass(frozen=True, slots=True)
class Budgets:
    """The budgets of a pack, below what an admin set; `roles` and `tenant` are of tokens."""

    roles: Mapping[str, Allowance] = field(default_factory=dict)
    tenant: Allowance = field(default_factory=Allowance)
    soft_percent: int = SOFT_PERCENT
    light_until: int = LIGHT_UNTIL
    calls: Quota = field(default_factory=Quota)
    searches: Quota = field(default_factory=Quota)
    prices: Mapping[str, Price] = field(default_factory=dict)

    def quota(self, what: Counted) -> Quota:
        match what:
            case "tokens":
                return Quota(self.roles, self.tenant)
            case "calls":
                return self.calls
            case "searches":
                return self.searches

    def price(self, provider: str, model: str) -> Price | None:
        """Of a model, as answers name it, or of all of its provider; None where it costs nothing but time."""
        return self.prices.get(model) or self.prices.get(provider)


def read_budgets(table: Mapping[str, Any]) -> Budgets:
    """The budgets in the `[budgets]` table of `pack.toml`.

    Raises:
        ValueError: a name that is none, or a number that cannot be.
    """
    if unknown := set(table) - {"roles", "tenant", "soft_percent", "light_until", "calls", "searches", "prices"}:
        raise ValueError(f"budgets has no {sorted(unknown)[0]!r}.")
    soft, light = table.get("soft_percent", SOFT_PERCENT), table.get("light_until", LIGHT_UNTIL)
    if type(soft) is not int or not 1 <= soft <= 100:
        raise ValueError("soft_percent is a whole number from 1 to 100.")
    if type(light) is not int or not 100 <= light <= 1000:
        raise ValueError("light_until is a whole number from 100 to 1000.")
    tokens = _quota(table)
    return Budgets(
        roles=tokens.roles, tenant=tokens.tenant, soft_percent=soft, light_until=light,
        calls=_quota(table.get("calls", {})), searches=_quota(table.get("searches", {})),
        prices={name: _price(name, one) for name, one in table.get("prices", {}).items()},
    )  # fmt: skip


def _quota(table: Mapping[str, Any]) -> Quota:
    return Quota(
        roles={name: _allowance(name, one) for name, one in table.get("roles", {}).items()},
        tenant=_allowance("tenant", table["tenant"]) if "tenant" in table else Allowance(),
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


def _price(name: str, table: Mapping[str, Any]) -> Price:
    wrong = f'The price of {name} is {{ prompt = "0.90", completion = "2.70", currency = "EUR" }}, in quotes.'
    if set(table) != {"prompt", "completion", "currency"}:
        raise ValueError(wrong)
    currency = table["currency"]
    if type(currency) is not str or not (3 <= len(currency) <= 8 and currency.isascii() and currency.isalnum()):
        raise ValueError(wrong)
    return Price(_micros(table["prompt"], wrong), _micros(table["completion"], wrong), currency)


def _micros(text: Any, wrong: str) -> int:
    try:
        amount = Decimal(text) * MICRO if type(text) is str else Decimal("NaN")
    except InvalidOperation:
        raise ValueError(wrong) from None
    if not amount.is_finite() or not 0 <= amount <= MOST_PRICE * MICRO or amount != amount.to_integral_value():
        raise ValueError(wrong)
    return int(amount)
