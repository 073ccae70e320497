"""Scoring: what counts as an answer, and what each figure says."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.answers.evaluation import EvalReport, Given, Golden, at_share, evaluate, holds, score, share


def golden(
    expect: Literal["quoted", "none"] = "quoted",
    *,
    answers: tuple[str, ...] = ("47 Nm",),
    wrong: tuple[str, ...] = ("52 Nm",),
    category: str = "number",
) -> Golden:
    document = "a.md" if expect == "quoted" else None
    kind: Literal["answerable", "near_miss"] = "answerable" if expect == "quoted" else "near_miss"
    return Golden("g1", "Torque?", kind, category, "north", answers, wrong, document, None, expect)


def given_answer(text: str, *files: str, kind: str = "quoted", sure: bool = True, ms: float = 10.0) -> Given:
    return Given(kind, sure and kind != "none", text, files or ("a.md",), ms, 2 * ms)


@pytest.mark.parametrize(
    ("text", "wanted", "expected"),
    [
        ("a gap of 14 mm", "4 mm", False), ("a gap of 4 mm", "4 mm", True), ("0.4 mm", "4 mm", False),
        ("4.5 mm", "4", False), ("4,5 bar", "4.5 bar", True), ("4.5 bar", "4,5 bar", True), ("LEFT-hand", "left‑hand", True),
        ("P–101A", "p-101a", True), ("P-101AB", "P-101A", False), ("**47**  Nm", "47 nm", True), ("47\nNm", "47 Nm", True),
        ("It is 47 Nm.", "47 Nm", True), ("47 Nmm", "47 Nm", False), ("1,200 h", "1,200 h", True),
    ],
)  # fmt: skip
def test_an_answer_holds_a_string_only_as_whole_words(text: str, wanted: str, *, expected: bool) -> None:
    assert holds(text, wanted) is expected


@given(st.integers(0, 999), st.integers(0, 999))
def test_a_figure_is_held_exactly_by_itself(one: int, other: int) -> None:
    assert holds(f"torque {one} Nm", f"{other} Nm") == (one == other)


def test_a_right_answer_with_a_sisters_value_beside_it_is_not_right() -> None:
    clean, mixed = score(golden(), given_answer("47 Nm")), score(golden(), given_answer("47 Nm | 52 Nm"))
    assert clean.right
    assert mixed.found
    assert mixed.wrong_value
    assert not mixed.right


def test_an_answer_that_asks_to_be_read_first_is_not_counted_among_the_sure_ones() -> None:
    right, wrong = given_answer("47 Nm"), given_answer("52 Nm", sure=False)
    report = EvalReport((score(golden(), right), score(golden(), wrong)))

    assert report.figures()["answer found"] == 0.5
    assert report.figures()["right where sure"] == 1.0


def test_a_refusal_that_names_a_value_gives_none() -> None:
    item = score(golden(), given_answer("Not 47 Nm, not 52 Nm.", kind="none"))
    assert (item.found, item.wrong_value, item.abstained, item.right) == (False, False, True, False)


def test_a_question_without_an_answer_is_right_only_unanswered() -> None:
    none = golden("none", answers=())
    assert score(none, given_answer("Not in these documents.", kind="none")).right
    assert not score(none, given_answer("47 Nm")).right
    assert score(none, given_answer("47 Nm")).hit_at_1 is None


def test_the_place_of_the_document_counts_to_three() -> None:
    places = [
        score(golden(), given_answer("x", *files)) for files in (("a.md",), ("b", "c", "a.md"), ("b", "c", "d", "a.md"))
    ]
    assert [(item.hit_at_1, item.hit_at_3) for item in places] == [(True, True), (False, True), (False, False)]


def test_the_figures_are_shares_of_the_questions_they_concern() -> None:
    report = EvalReport(
        (
            score(golden(), given_answer("47 Nm", ms=10)),
            score(golden(), given_answer("none", kind="none", ms=20)),
            score(golden(category="fact"), given_answer("52 Nm", "b.md", ms=30)),
            score(golden("none", answers=()), given_answer("none", kind="none", ms=40)),
        )
    )
    figures = report.figures()
    assert figures["questions"] == 4
    assert figures["answer found"] == pytest.approx(1 / 3, abs=1e-4)
    assert figures["value bound right"] == 0.5
    assert figures["wrong value given"] == 1
    assert figures["false abstention"] == pytest.approx(1 / 3, abs=1e-4)
    assert figures["abstention right"] == 1.0
    assert figures["document hit@1"] == pytest.approx(2 / 3, abs=1e-4)
    assert figures["ms to quotes p95"] == 40
    assert report.by_category() == {"number": (2, 3), "fact": (0, 1)}
    assert report.as_json()["categories"]["fact"] == {"right": 0, "of": 1}


def test_a_share_of_nothing_is_none() -> None:
    assert share([]) is None
    assert at_share([], 0.5) is None
    assert EvalReport(()).figures()["answer found"] is None


@given(st.lists(st.integers(0, 1000).map(float), min_size=1), st.floats(0, 1))
def test_a_percentile_is_one_of_the_values(values: list[float], at: float) -> None:
    assert at_share(sorted(values), at) in values


async def test_every_question_is_asked_once_of_its_own_tenant() -> None:
    asked: list[tuple[str, str]] = []
    told: list[tuple[int, int]] = []

    async def ask(tenant: str, question: str) -> Given:
        asked.append((tenant, question))
        return given_answer("47 Nm")

    report = await evaluate(ask, [golden(), golden("none")], done=lambda done, of: told.append((done, of)))
    assert asked == [("north", "Torque?")] * 2
    assert told == [(1, 2), (2, 2)]
    assert [item.right for item in report.scored] == [True, False]
