"""Budgets hold: whatever is asked for at once, a hard one is never overdrawn, and what was used is told without a word."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.commands.spending import given_line
from appliance.compose.gauges import gauges_of
from appliance.metrics import BUDGET_USED
from appliance.policy.budgets import Allowance, Budgets, Price, Quota, read_budgets
from appliance.shelf import budget as rules
from appliance.shelf.budget import Budget, Period, Standing
from appliance.shelf.searching import SearchesExhausted, Searching
from appliance.shelf.spending import BudgetExhausted, Division, NoSuchBudget, Spending, has_budget
from appliance.store import Admitted, Store, Tenant

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


def test_what_a_pack_gives_is_listed_the_plants_first_and_said_in_words() -> None:
    soft = Budgets(
        roles={"viewer": Allowance(day=9, month=90), "kiosk": Allowance(day=5, hard=False)}, tenant=Allowance(month=500)
    )
    listed = rules.given(soft)

    assert [given_line(asdict(one) | {"limit_tokens": one.limit}).partition("  ")[2] for one in listed] == [
        "the plant: 500 tokens a month",
        "each kiosk: 5 tokens a day, warns only",
        "each viewer: 9 tokens a day",
        "each viewer: 90 tokens a month",
    ]
    assert rules.given(Budgets()) == []


async def test_a_budget_of_the_pack_is_listed_beside_what_an_admin_set(by_pack: Spending, admitted: Admit) -> None:
    admin = admitted(role="admin")
    await by_pack.set_budget(admin, person_id=None, period="day", limit=3000, hard=True)

    assert [one.budget.limit for one in await by_pack.standings(admin)] == [3000]
    assert [(one.who, one.limit) for one in by_pack.given(admin)] == [(None, 5000), ("viewer", 1000)]


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


async def test_calls_are_limited_however_short_they_are(spending: Spending, admitted: Admit) -> None:
    asker = admitted().principal
    await spending.set_budget(
        admitted(role="admin"), person_id=asker.id, period="day", limit=2, hard=True, counts="calls"
    )

    done = await asyncio.gather(
        *(spending.reserve(asker, model="m", purpose="words", tokens=1) for _ in range(5)), return_exceptions=True
    )

    assert sum(isinstance(one, BudgetExhausted) for one in done) == 3
    (standing,) = await spending.standings(admitted(role="admin"))
    assert (standing.used, standing.budget.counts) == (2, "calls")
    with pytest.raises(BudgetExhausted, match="2 calls of chat models a day"):
        await spending.reserve(asker, model="m", purpose="words", tokens=1)


async def test_a_budget_of_calls_stands_beside_one_of_tokens(spending: Spending, admitted: Admit) -> None:
    admin = admitted(role="admin")
    await spending.set_budget(admin, person_id=None, period="day", limit=100, hard=True)
    await spending.set_budget(admitted(role="admin"), person_id=None, period="day", limit=1, hard=True, counts="calls")

    assert sorted(one.budget.counts for one in await spending.standings(admitted(role="admin"))) == ["calls", "tokens"]


async def test_a_full_budget_leaves_light_models_until_a_second_line(store: Store, admitted: Admit) -> None:
    said = Budgets(tenant=Allowance(day=100), light_until=120)
    spending = Spending(store, lambda _tenant_id: said)
    asker = admitted().principal
    await spending.reserve(asker, model="m", purpose="words", tokens=95)

    with pytest.raises(BudgetExhausted) as full:
        await spending.reserve(asker, model="m", purpose="words", tokens=10)
    assert full.value.light_left
    await spending.reserve(asker, model="s", purpose="words", tokens=25, light=True)

    with pytest.raises(BudgetExhausted) as over:
        await spending.reserve(asker, model="s", purpose="words", tokens=1, light=True)
    assert not over.value.light_left
    assert over.value.context["retry_after"] > 0
    with pytest.raises(BudgetExhausted) as also:
        await spending.reserve(asker, model="m", purpose="words", tokens=1)
    assert not also.value.light_left


async def test_a_light_model_never_draws_on_a_providers_full_budget(spending: Spending, admitted: Admit) -> None:
    await spending.set_budget(
        admitted(role="admin"), person_id=None, period="day", limit=10, hard=True, provider="local"
    )

    with pytest.raises(BudgetExhausted) as full:
        await spending.reserve(admitted().principal, model="s", purpose="words", tokens=11, light=True)
    assert (full.value.provider, full.value.light_left) == ("local", False)


async def test_what_a_use_costs_is_kept_when_the_price_changes(store: Store, admitted: Admit) -> None:
    said = [Budgets(prices={"ibex": Price(900_000, 2_700_000, "EUR")})]
    spending = Spending(store, lambda _tenant_id: said[0])
    asker = admitted().principal

    async def use(model: str, provider: str) -> None:
        reserved = await spending.reserve(asker, model=model, purpose="words", tokens=500, provider=provider)
        await spending.settle(reserved, prompt=1000, completion=100, ms=5)

    await use("ibex/big", "ibex")
    said[0] = Budgets(prices={"ibex/big": Price(9_000_000, 0, "EUR"), "ibex": Price(1, 1, "EUR")})
    await use("ibex/big", "ibex")
    await use("small", "local")

    found = {(one.model, one.currency): one.cost_micros for one in await spending.spent(admitted(role="admin"), days=1)}
    assert found == {("ibex/big", "EUR"): 900 + 270 + 9000, ("small", ""): 0}


async def test_costs_of_two_currencies_are_never_added(store: Store, admitted: Admit) -> None:
    for currency in ("EUR", "CZK"):
        price = Price(1_000_000, 1_000_000, currency)
        spending = Spending(store, lambda _tenant_id, price=price: Budgets(prices={"ibex": price}))  # type: ignore[misc]
        reserved = await spending.reserve(admitted().principal, model="m", purpose="w", tokens=9, provider="ibex")
        await spending.settle(reserved, prompt=7, completion=1, ms=5)

    found = await spending.spent(admitted(role="admin"), days=1)

    assert sorted((one.currency, one.cost_micros, one.uses) for one in found) == [("CZK", 8, 1), ("EUR", 8, 1)]


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_cost_is_never_less_than_exact_and_less_than_a_millionth_above(p: int, c: int, pp: int, cc: int) -> None:
    cost = Price(pp, cc, "EUR").cost(p, c)

    assert 0 <= cost * 1_000_000 - (p * pp + c * cc) < 1_000_000


@pytest.mark.parametrize(
    "table",
    [
        {"prompt": 0.9, "completion": "1", "currency": "EUR"},
        {"prompt": "0.0000001", "completion": "1", "currency": "EUR"},
        {"prompt": "-1", "completion": "1", "currency": "EUR"},
        {"prompt": "NaN", "completion": "1", "currency": "EUR"},
        {"prompt": "1e99", "completion": "1", "currency": "EUR"},
        {"prompt": "1", "completion": "1", "currency": "€"},
        {"prompt": "1", "completion": "1"},
    ],
)
def test_a_price_that_is_none_is_refused(table: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="The price of ibex"):
        read_budgets({"prices": {"ibex": table}})


def test_prices_are_decimal_text_and_quotas_stand_beside_tokens() -> None:
    said = read_budgets(
        {
            "light_until": 150,
            "prices": {"ibex/big": {"prompt": "0.90", "completion": "2.7", "currency": "EUR"}},
            "searches": {"roles": {"viewer": {"day": 50}}},
            "calls": {"tenant": {"month": 1000, "hard": False}},
        }
    )

    assert said.price("ibex", "ibex/big") == Price(900_000, 2_700_000, "EUR")
    assert said.price("local", "small") is None
    assert [(one.counts, one.who, one.limit) for one in rules.given(said)] == [
        ("calls", None, 1000), ("searches", "viewer", 50),
    ]  # fmt: skip


async def test_searches_at_once_never_overdraw_their_budget(store: Store, admitted: Admit) -> None:
    searching, spending = Searching(store), Spending(store)
    asker = admitted().principal
    await searching.count(asker)  # nothing counts yet
    await spending.set_budget(
        admitted(role="admin"), person_id=None, period="day", limit=3, hard=True, counts="searches"
    )

    done = await asyncio.gather(*(searching.count(asker) for _ in range(6)), return_exceptions=True)

    assert sum(isinstance(one, SearchesExhausted) for one in done) == 3
    (standing,) = await spending.standings(admitted(role="admin"))
    assert standing.used == 3


async def test_a_person_who_searched_enough_holds_nobody_else_back(store: Store, admitted: Admit) -> None:
    now = [dt.datetime(2026, 3, 31, 23, 0, tzinfo=dt.UTC)]
    said = Budgets(searches=Quota(roles={"viewer": Allowance(day=1), "operator": Allowance(day=1)}))
    searching = Searching(store, lambda _tenant_id: said, clock=lambda: now[0])
    one, other = admitted().principal, admitted().principal
    await searching.count(one)

    with pytest.raises(SearchesExhausted) as full:
        await searching.count(one)
    assert full.value.context["retry_after"] == 3600
    await searching.count(other)
    now[0] += dt.timedelta(hours=1)
    await searching.count(one)


async def test_a_budget_of_the_pack_is_a_budget(store: Store, admitted: Admit) -> None:
    tenant_id = admitted().tenant_id
    assert tenant_id is not None
    assert not await has_budget(store, tenant_id, Budgets())
    assert not await has_budget(store, tenant_id, Budgets(searches=Quota(tenant=Allowance(day=1))))

    assert await has_budget(store, tenant_id, Budgets(roles={"viewer": Allowance(day=1)}))


async def test_a_scrape_tells_the_budgets_of_a_plant_and_of_no_person(
    store: Store, tenant: Tenant, admitted: Admit, tmp_path: Path
) -> None:
    spending, asker = Spending(store), admitted().principal
    await spending.set_budget(admitted(role="admin"), person_id=None, period="month", limit=1000, hard=True)
    await spending.set_budget(admitted(role="admin"), person_id=asker.id, period="month", limit=900, hard=True)
    await spending.reserve(asker, model="m", purpose="words", tokens=250)

    await gauges_of(store, tmp_path, ())()

    found = [one for one in next(iter(BUDGET_USED.collect())).samples if one.labels["tenant"] == tenant.slug]
    assert [(one.labels["counts"], one.labels["period"], one.value) for one in found] == [("tokens", "month", 0.25)]
