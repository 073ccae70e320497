"""What a pack says beside its policies shows in the preview, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.packs.facts import fact_changes
from appliance.policy import PackRefused
from appliance.policy.limits import Rate, RateLimits
from appliance.policy.pack import parse
from tests.packs.variants import RELEASE, swapped, until

NOW = parse(RELEASE)
NUMBERS = st.none() | st.integers(1, 5)
RATES = st.dictionaries(st.sampled_from(["viewer", "kiosk"]), st.builds(Rate, NUMBERS, NUMBERS))


def test_a_pack_differs_from_itself_in_nothing() -> None:
    assert fact_changes(NOW, NOW) == []


@pytest.mark.parametrize(
    ("old", "new", "widens", "words"),
    [
        ("minute = 30,", "minute = 31,", True, "requests in any minute: 30 now, 31 then"),
        ("minute = 30,", "minute = 29,", False, "requests in any minute: 30 now, 29 then"),
        ("hour = 6000", "hour = 7000", True, "requests in any hour: 6000 now, 7000 then"),
        ('"GET /v1/auth/me", ', "", False, "GET /v1/auth/me is counted"),
        ("uncounted = [", 'uncounted = [ "POST /v1/chat",', True, "POST /v1/chat is no longer counted"),
        (
            "sanitised_from = 3", "sanitised_from = 4", True,
            "personal data is kept from models from class 3 on now, from class 4 on then",
        ),
    ],
)  # fmt: skip
def test_a_changed_fact_is_told_in_words(old: str, new: str, widens: bool, words: str) -> None:
    (found,) = fact_changes(NOW, parse(swapped(old, new, "pack.toml")))

    assert (found.thing, found.widens) == (words, widens)


@pytest.mark.parametrize(
    ("before", "after", "widens"),
    [
        ("100", "200", True),
        ("200", "100", False),
        ("100", "100, hard = false", True),
        ("100, hard = false", "100", False),
    ],
)
def test_a_raised_or_softened_budget_widens(before: str, after: str, widens: bool) -> None:
    packs = [
        parse(swapped("soft_percent = 80", f"soft_percent = 80\nroles.viewer = {{ day = {one} }}", "pack.toml"))
        for one in (before, after)
    ]

    (found,) = fact_changes(*packs)

    assert (found.who, found.action, found.widens) == ("viewer", "budgets", widens)


@pytest.mark.parametrize(
    "bad", ["{}", "{ day = 0 }", "{ week = 5 }", '{ day = "5" }', "{ hard = true }", "{ day = true }"]
)
def test_a_budget_that_cannot_be_makes_no_pack(bad: str) -> None:
    with pytest.raises(PackRefused):
        parse(swapped("soft_percent = 80", f"roles.viewer = {bad}", "pack.toml"))


def test_a_later_last_day_widens_and_an_earlier_one_does_not() -> None:
    early, late = parse(until("2027-01-31")), parse(until("2027-02-28"))

    assert [one.widens for one in fact_changes(early, late)] == [True]
    assert [one.widens for one in fact_changes(late, early)] == [False]
    assert [one.widens for one in fact_changes(late, NOW)] == [True]


@given(before=RATES, after=RATES)
def test_no_limit_is_raised_unseen(before: dict[str, Rate], after: dict[str, Rate]) -> None:
    packs = [replace(NOW, limits=RateLimits(rates, Rate(600))) for rates in (before, after)]

    raised = [one for one in fact_changes(*packs) if one.widens]

    def most(rate: Rate) -> tuple[float, float]:
        return (rate.minute or float("inf"), rate.hour or float("inf"))

    expected = sum(
        new > old
        for who in {*before, *after}
        for old, new in zip(most(before.get(who, Rate())), most(after.get(who, Rate())), strict=True)
    )
    assert len(raised) == expected


def test_fewer_people_who_must_agree_widen_and_more_do_not() -> None:
    two, three = (
        parse(swapped("# needed = { ingest = 2, use = 2 }", f"needed = {{ ingest = {number} }}", "pack.toml"))
        for number in (2, 3)
    )

    assert [one.widens for one in fact_changes(two, NOW)] == [True]
    assert [one.widens for one in fact_changes(three, two)] == [True]
    assert [one.widens for one in fact_changes(NOW, three)] == [False]
    for bad in ("{ ingest = 0 }", "{ ingest = 4 }", "{ ingest = true }", "{ other = 2 }", "2"):
        with pytest.raises(PackRefused):
            parse(swapped("# needed = { ingest = 2, use = 2 }", f"needed = {bad}", "pack.toml"))
