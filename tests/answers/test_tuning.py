"""Tuning: the fits are deterministic, separate what can be separated, and stay where nothing speaks against it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.answers.features import NAMES
from appliance.answers.rules import shipped
from appliance.answers.trees import Trees
from appliance.answers.tuning import Case, Option, chances, fit_choice, fit_verdict, pick

QUOTE = NAMES.index("quote")
MISSING = NAMES.index("missing")


def option(quote: float, missing: float, *, right: bool) -> Option:
    row = [0.0] * len(NAMES)
    row[QUOTE], row[MISSING] = quote, missing
    return Option(tuple(row), right)


def toy() -> list[Case]:
    """Right where the quote holds the words and nothing is missing; the last ten have no answer."""
    answerable = [
        Case((option(0.3, 0.8, right=False), option(0.6 + n / 50, 0.1, right=True), option(0.5, 0.7, right=False)))
        for n in range(20)
    ]
    return answerable + [Case((option(0.3, 0.7 + n / 50, right=False),)) for n in range(10)]


def test_the_fits_separate_a_separable_set() -> None:
    cases = toy()
    choice = fit_choice(cases, {}, ridge=0.1)
    for case in cases:
        best = pick(case, choice)
        assert best is not None
        assert best.right == case.answerable
    verdict = fit_verdict(cases * 5, choice)
    found = chances(cases, choice, verdict)
    lowest = min(chance for chance, case in zip(found, cases, strict=True) if case.answerable)
    highest = max(chance for chance, case in zip(found, cases, strict=True) if not case.answerable)
    assert highest < 0.5 < lowest


def test_the_same_questions_give_the_same_weights() -> None:
    first, again = (fit_choice(toy(), {"quote": 1.0}) for _ in range(2))
    assert first == again
    assert fit_verdict(toy(), first) == fit_verdict(toy(), again)


@settings(max_examples=20, deadline=None)
@given(st.permutations(toy()))
def test_the_order_of_the_questions_does_not_matter(cases: list[Case]) -> None:
    known, shuffled = fit_choice(toy(), {}), fit_choice(cases, {})
    assert shuffled == pytest.approx(known, abs=2e-3)


def test_without_anything_to_learn_the_weights_stay() -> None:
    start = {"quote": 0.7, "missing": -0.2}
    assert fit_choice([], start) == start
    assert fit_choice([Case((option(1, 0, right=True),))], start) == start
    drawn = fit_choice(toy(), start, ridge=1e9)
    assert drawn["quote"] == pytest.approx(0.7, abs=1e-3)
    assert drawn["missing"] == pytest.approx(-0.2, abs=1e-3)


def test_a_question_without_a_candidate_has_no_chance() -> None:
    assert pick(Case(()), {}) is None
    assert chances([Case(())], {}, Trees(9.0, ())) == [0.0]
    with pytest.raises(ValueError, match="no case"):
        fit_verdict([Case(())], {})


def test_the_weights_that_ship_know_only_features_that_exist() -> None:
    assert set(shipped()) == {"full", "words"}
    for weights in shipped().values():
        assert set(weights.choice) <= set(NAMES)
        assert {tree.feature for tree in weights.verdict.trees} <= set(NAMES)
        assert 0 < weights.threshold < 1
