"""Which model answers what."""

from __future__ import annotations

import itertools
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.routing import rules
from appliance.routing.values import AUTO, LOCAL, Default, Provider, Route, Scope
from appliance.shelf.values import TIERS, Tier


def route(model: str, *tiers: Tier, provider: str = LOCAL, priority: int = 50) -> Route:
    about = Provider(uuid4(), provider, "llama_cpp" if provider == LOCAL else "openai_compatible", priority=priority)
    return Route(f"{provider}/{model}", about, model, tiers, None)


ROUTES = st.lists(
    st.builds(
        route,
        st.sampled_from(["a", "b", "c", "d"]),
        st.sampled_from(TIERS),
        provider=st.sampled_from([LOCAL, "hall", "hub"]),
        priority=st.integers(0, 100),
    ),
    max_size=6,
)


@pytest.mark.parametrize(
    ("question", "passages", "long", "tier"),
    [
        ("What torque do the casing bolts of P-101A get?", 1, False, "light"),
        ("How often is the bearing of P-101A greased?", 2, False, "light"),
        ("What does E-0417 mean?", 1, True, "standard"),
        ("Why does the pump trip on E-0417?", 1, False, "standard"),
        ("Compare the torque of P-101A and P-101B.", 3, False, "heavy"),
        ("Explain why the seal leaks, and what can be done?", 1, True, "heavy"),
        ("Write a query for all work orders of the filler.", 1, False, "heavy"),
        ("What is the pressure? And what the flow?", 1, False, "standard"),
    ],
)
def test_a_harder_question_asks_for_a_better_tier(question: str, passages: int, long: bool, tier: Tier) -> None:
    assert rules.complexity(question, passages=passages, long=long) == tier


@given(st.text(max_size=300), st.integers(0, 9), st.booleans())
def test_more_passages_or_a_longer_answer_never_ask_for_less(question: str, passages: int, long: bool) -> None:
    def rank(passages: int, long: bool) -> int:
        return TIERS.index(rules.complexity(question, passages=passages, long=long))

    assert rank(passages, long) <= rank(passages + 1, long) <= rank(passages + 1, True)


@given(ROUTES, st.sampled_from(TIERS), st.sampled_from(["", "hall", LOCAL]))
def test_every_route_is_asked_once_and_better_ones_before_lesser_ones(
    routes: list[Route], tier: Tier, main: str
) -> None:
    order = rules.ordered(routes, tier, main=main)

    assert sorted(map(id, order)) == sorted(map(id, routes))
    ranks = [TIERS.index(one.tiers[0]) - TIERS.index(tier) for one in order]
    below = [one < 0 for one in ranks]
    assert below == sorted(below)
    assert all(abs(one) <= abs(two) for one, two in itertools.pairwise(ranks) if (one < 0) == (two < 0))


def test_within_a_tier_the_main_provider_goes_first_then_priority_then_the_nodes_own() -> None:
    own, hall, hub = route("a", "light"), route("b", "light", provider="hall"), route("c", "light", provider="hub")
    late = route("d", "light", provider="late", priority=90)

    assert rules.ordered([late, hub, hall, own], "light") == [own, hall, hub, late]
    assert rules.ordered([late, hub, hall, own], "light", main="late")[0] == late
    assert rules.ordered([late, hub, hall, own], "light", main="nobody")[0] == own


def test_a_failure_goes_up_one_tier_at_a_time_and_only_then_down() -> None:
    light, standard, heavy = (route(tier, tier) for tier in TIERS)

    assert rules.ordered([heavy, light, standard], "light") == [light, standard, heavy]
    assert rules.ordered([heavy, light, standard], "standard") == [standard, heavy, light]
    assert rules.ordered([heavy, light, standard], "heavy") == [heavy, standard, light]


@pytest.mark.parametrize(
    ("word", "tier"), [("fast", "light"), ("HEAVY", "heavy"), ("Standard", "standard"), ("x", None)]
)
def test_the_fields_own_names_mean_tiers(word: str, tier: Tier | None) -> None:
    assert rules.tier_of(word) == tier


def test_the_nearest_default_that_can_be_kept_counts() -> None:
    def default(scope: Scope, choice: str) -> Default:
        return Default(scope, "", choice)

    here = [route("qwen", "light")]
    every = [
        default("global", "light"),
        default("tenant", "qwen"),
        default("role", "standard"),
        default("user", "gone"),
    ]

    assert rules.resolved(every, here).scope == "role"
    assert rules.resolved(every[:2], here).choice == "qwen"
    assert rules.resolved(every[:2], []).choice == "light"
    assert rules.resolved([], here) == Default("global", "", AUTO)
