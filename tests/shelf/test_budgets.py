"""Budgets hold: whatever is asked for at once, a hard one is never overdrawn, and what was used is told without a word."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.policy.budgets import Allowance, Budgets
from appliance.shelf import budget as rules
from appliance.shelf.budget import Budget, Period, Standing
from appliance.shelf.spending import BudgetExhausted, Division, NoSuchBudget, Spending
from appliance.store import Admitted, Store

Admit = Callable[..., Admitted]
MOMENTS = st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2060, 1, 1), timezones=st.just(dt.UTC))
PERIODS: list[Period] = ["day", "month"]


@pytest.fixture
def spending(store: Store) -> Spending:
    """Over SQLCipher, then over PostgreSQL."""
    return Spending(store, clock=lambda: dt.datetime(2026, 3, 31, 23, 0, tzinfo=dt.UTC))


@given(MOMENTS, st.sampled_from(PERIODS))
def test_a_moment_lies_in_its_period_and_periods_follow_each_other(now: dt.datetime, period: Period) -> None:
    begin, end = rules.begin(period, now), rules.end(period, now)

    assert begin <= now < end
    assert rules.begin(period, end) == end
    assert rules.begin(period, end - dt.timedelta(microseconds=1)) == begin


@given(st.integers(1, 1000), st.integers(0, 1500), st.integers(0, 1500))
def test_a_hard_budget_stops_exactly_where_it_would_be_overdrawn(limit: int, used: int, tokens: int) -> None:
    one = Standing(Budget(uuid4(), "tenant", None, "day", limit, hard=True), used)

    assert (rules.exhausted([one], tokens) is not None) == (used + tokens > limit)


def test_a_soft_budget_warns_from_four_fifths_on_and_never_stops() -> None:
    soft = Budget(uuid4(), "tenant", None, "day", 100, hard=False)

    assert rules.exhausted([Standing(soft, 500)], 500) is None
    assert rules.warning([Standing(soft, 79)]) is None
    assert rules.warning([Standing(soft, 80)]) is not None


async def test_askers_at_once_never_overdraw_a_hard_budget(spending: Spending, admitted: Admit) -> None:
    admin = admitted(role="admin")
    await spending.set_budget(admin, person_id=None, period="day", limit=1000, hard=True)
    askers = [admitted().principal for _ in range(12)]

    done = await asyncio.gather(
        *(spending.reserve(one, model="m", purpose="words", tokens=150) for one in askers), return_exceptions=True
    )

    refused = [one for one in done if isinstance(one, BudgetExhausted)]
    assert len(done) - len(refused) == 6
    assert len(refused) == 6
    (standing,) = await spending.standings(admitted(role="admin"))
    assert standing.used == 900
    assert refused[0].context["retry_after"] == 3600


async def test_what_was_not_taken_is_given_back_and_an_unknown_end_keeps_the_reservation(
    spending: Spending, admitted: Admit
) -> None:
    asker = admitted().principal
    known = await spending.reserve(asker, model="m", purpose="words", tokens=500)
    unknown = await spending.reserve(asker, model="m", purpose="words", tokens=400)
    await spending.settle(known, prompt=300, completion=20, ms=1200)
    await spending.settle(unknown, prompt=0, completion=0, ms=50)
    await spending.set_budget(admitted(role="admin"), person_id=None, period="month", limit=10_000, hard=True)

    (standing,) = await spending.standings(admitted(role="admin"))
    (spent,) = await spending.spent(admitted(role="admin"), days=1)

    assert standing.used == 720
    assert (spent.uses, spent.prompt_tokens, spent.completion_tokens) == (2, 300, 20)


async def test_use_is_told_by_person_by_provider_and_by_what_wrote(spending: Spending, admitted: Admit) -> None:
    one, other = admitted().principal, admitted().principal
    for who, purpose, provider in ((one, "words", "local"), (one, "cards", "local"), (other, "words", "gpu")):
        reserved = await spending.reserve(who, model="m", purpose=purpose, tokens=100, provider=provider)
        await spending.settle(reserved, prompt=10, completion=1, ms=5)

    async def told(by: Division) -> dict[str, tuple[int, int]]:
        found = await spending.spent(admitted(role="admin"), days=1, by=by)
        assert {each.model for each in found} == {"m"}
        return {each.whose: (each.uses, each.prompt_tokens) for each in found}

    assert await told("model") == {"": (3, 30)}
    assert await told("person") == {str(one.id): (2, 20), str(other.id): (1, 10)}
    assert await told("provider") == {"local": (2, 20), "gpu": (1, 10)}
    assert await told("purpose") == {"words": (2, 20), "cards": (1, 10)}


async def test_a_persons_budget_stops_that_person_alone(spending: Spending, admitted: Admit) -> None:
    one, other = admitted().principal, admitted().principal
    await spending.set_budget(admitted(role="admin"), person_id=one.id, period="day", limit=100, hard=True)

    with pytest.raises(BudgetExhausted):
        await spending.reserve(one, model="m", purpose="words", tokens=101)
    await spending.reserve(other, model="m", purpose="words", tokens=101)


async def test_a_budget_is_changed_in_place_and_can_be_taken_away(spending: Spending, admitted: Admit) -> None:
    for limit in (100, 200):
        made = await spending.set_budget(admitted(role="admin"), person_id=None, period="day", limit=limit, hard=True)

    (standing,) = await spending.standings(admitted(role="admin"))
    assert (standing.budget.id, standing.budget.limit) == (made.budget.id, 200)
    await spending.drop_budget(admitted(role="admin"), made.budget.id)
    assert await spending.standings(admitted(role="admin")) == []
    with pytest.raises(NoSuchBudget):
        await spending.drop_budget(admitted(role="admin"), made.budget.id)


# --- what the policy pack gives -----------------------------------------------------------------------------------

PACK = Budgets(roles={"viewer": Allowance(day=1000)}, tenant=Allowance(month=5000), soft_percent=50)


@pytest.fixture
def by_pack(store: Store) -> Spending:
    return Spending(store, lambda _tenant: PACK, clock=lambda: dt.datetime(2026, 3, 31, 23, 0, tzinfo=dt.UTC))


async def test_the_pack_limits_where_nobody_set_a_budget(by_pack: Spending, admitted: Admit) -> None:
    asker = admitted(role="viewer").principal
    first = await by_pack.reserve(asker, model="m", purpose="words", tokens=600)
    assert first.warning is None

    with pytest.raises(BudgetExhausted):
        await by_pack.reserve(asker, model="m", purpose="words", tokens=600)

    last = await by_pack.reserve(asker, model="m", purpose="words", tokens=400)
    assert last.warning is not None


async def test_what_an_admin_set_goes_before_the_pack(by_pack: Spending, admitted: Admit) -> None:
    asker, admin = admitted(role="viewer").principal, admitted(role="admin")
    await by_pack.set_budget(admin, person_id=asker.id, period="day", limit=3000, hard=True)

    assert await by_pack.reserve(asker, model="m", purpose="words", tokens=2500)


async def test_the_plants_own_holds_for_programs_and_other_roles_too(by_pack: Spending, admitted: Admit) -> None:
    operator = admitted(role="operator").principal
    await by_pack.reserve(operator, model="m", purpose="words", tokens=4000)
    program = replace(operator, kind="service", id=uuid4())

    with pytest.raises(BudgetExhausted):
        await by_pack.reserve(program, model="m", purpose="words", tokens=1500)


async def test_askers_at_once_never_overdraw_a_budget_of_the_pack(by_pack: Spending, admitted: Admit) -> None:
    operators = [admitted(role="operator").principal for _ in range(12)]

    done = await asyncio.gather(
        *(by_pack.reserve(one, model="m", purpose="words", tokens=800) for one in operators), return_exceptions=True
    )

    assert sum(isinstance(one, BudgetExhausted) for one in done) == 6
