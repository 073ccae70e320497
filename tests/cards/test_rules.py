"""Which questions are the same, and which are made from a passage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.cards.rules import MOST_VARIANTS, question_key, same_things, variants
from tests.retrieval.library import facts, text_passage


@given(st.text())
def test_the_key_of_a_key_is_the_key(question: str) -> None:
    assert question_key(question_key(question)) == question_key(question)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("What is the torque of P-101A?", "Which torque has p101a?", True),
        ("What is the torque of P-101A?", "What is the torque of P-101B?", False),
        ("What is the torque at 20 bar?", "What is the torque at 40 bar?", False),
        ("What is the torque of M12 on P-101A at 20 bar?", "What is the torque of M12 on P-101A at 40 bar?", False),
        ("When may I open V-201?", "When may I not open V-201?", False),
        ("When may I open V-201?", "When may I close V-201?", False),
        ("What is the minimum level?", "What is the maximum level?", False),
        ("Why doesn't it start?", "Why does it start?", False),
    ],
)
def test_questions_about_other_things_are_not_the_same(one: str, other: str, same: bool) -> None:
    assert same_things(one, other) is same


def test_each_cell_is_asked_for_by_row_and_column() -> None:
    passage = text_passage(
        "Alarms\nCode: E-0417 | Cause: PT-207 below 2.2 bar | Remedy: Clean the filter", kind="table"
    )

    assert variants(facts("a.md", assets=["C-200"]), passage) == [
        "What does E-0417 mean?",
        "What is the cause of E-0417?",
        "What is the remedy of E-0417?",
    ]

    passage = text_passage("Torques\nJoint: Impeller nut | Torque: 70 Nm", kind="table")
    assert variants(facts("a.md", assets=["P-101A"]), passage) == ["What is the torque of the impeller nut of P-101A?"]
    assert variants(facts("a.md", assets=["P-1", "P-2"]), passage) == ["What is the torque of the impeller nut?"]


@given(st.lists(st.text(alphabet="aB:| \n-4", max_size=40), max_size=60))
def test_any_passage_gives_few_questions_each_once(lines: list[str]) -> None:
    made = variants(facts("a.md"), text_passage("\n".join(lines), kind="table"))

    assert len(made) == len(set(made)) <= MOST_VARIANTS
