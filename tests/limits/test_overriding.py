"""What an admin may set beside the policy pack's limits, and what then holds; pure."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.limits import overriding
from appliance.limits.overriding import Place
from appliance.limits.rules import windows_of
from appliance.policy.limits import CANONICAL, Rate, RateLimits, read_limits
from tests.policy.people import principal

ROUTE = "POST /v1/search"
numbers = st.none() | st.integers(1, 2000)
rates = st.builds(Rate, numbers, numbers)
ANYBODY = principal("operator")
places = st.sampled_from([("plant", ""), ("role", "operator"), ("person", str(ANYBODY.id)), ("route", ROUTE)])
CEILINGS = {"person": Rate(60, 400), "plant": Rate(1200)}


def windows(limits: RateLimits, overrides: dict[Place, Rate], route: str = ROUTE) -> dict[str, int]:
    found = windows_of(
        ANYBODY, route, limits, ceiling=10**6, profile="production", tenant_slug="north", overrides=overrides
    )
    return {one.name: one.most for one in found}


@given(st.dictionaries(places, rates), st.sampled_from([{}, {ROUTE: Rate(20)}]))
def test_nothing_that_is_set_gives_more_than_the_pack_lets_it(
    overrides: dict[Place, Rate], routes: dict[str, Rate]
) -> None:
    limits = replace(CANONICAL, ceilings=CEILINGS, routes=routes)
    plain, held = windows(limits, {}), windows(limits, overrides)

    most = {"person-minute": 60, "person-hour": 400, "route-minute": 60, "tenant-minute": 1200, "tenant-hour": 6000}
    assert plain.keys() <= held.keys()
    assert all(number <= most[name] for name, number in held.items() if name in plain)


@given(st.dictionaries(places, rates))
def test_without_ceilings_everything_that_is_set_only_tightens(overrides: dict[Place, Rate]) -> None:
    plain, held = windows(CANONICAL, {}), windows(CANONICAL, overrides)

    assert all(held[name] <= number for name, number in plain.items())


@given(rates, rates, rates)
def test_what_widens_is_what_lets_somebody_ask_more_often(given_: Rate, before: Rate, after: Rate) -> None:
    widens = overriding.widens(before, after, given_)

    def holds(rate: Rate) -> Rate:
        return Rate(rate.minute or given_.minute, rate.hour or given_.hour)

    old, new = holds(before), holds(after)
    assert widens == (overriding.is_wider(old.minute, new.minute) or overriding.is_wider(old.hour, new.hour))
    assert not overriding.widens(before, before, given_)


def test_a_route_of_the_pack_is_replaced_and_another_is_counted_beside_the_rest() -> None:
    of_pack = replace(CANONICAL, routes={ROUTE: Rate(minute=20)})

    assert windows(of_pack, {("route", ROUTE): Rate(minute=5)})["route-minute"] == 5
    assert "person-minute" not in windows(of_pack, {("route", ROUTE): Rate(minute=5)})
    beside = windows(CANONICAL, {("route", ROUTE): Rate(minute=5)})
    assert (beside["route-minute"], beside["person-minute"]) == (5, 30)


def test_a_persons_own_limit_goes_before_that_of_their_role() -> None:
    held = windows(CANONICAL, {("role", "operator"): Rate(9, 90), ("person", str(ANYBODY.id)): Rate(minute=12)})

    assert (held["person-minute"], held["person-hour"]) == (12, 90)


def test_a_stricter_pack_goes_before_what_was_set_under_a_wider_one() -> None:
    strict = replace(CANONICAL, roles={**CANONICAL.roles, "operator": Rate(3, 30)})

    assert windows(strict, {("role", "operator"): Rate(25, 150)})["person-minute"] == 3


@pytest.mark.parametrize("table", [{"role": {"minute": 9}}, {"person": {"minute": 0}}, {"plant": {}}])
def test_a_ceiling_that_is_none_is_refused(table: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="limit"):
        read_limits({"ceilings": table})
