"""The written training data holds what it says, and what it lays down is true of the passage."""

import json
from itertools import islice
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from models.starter import written

GOLDEN = Path(__file__).parents[2] / "demo" / "golden.json"


def everything() -> list[written.Library]:
    return [written.library(), written.library(held_out=True)]


def test_every_answer_stands_once_in_its_text() -> None:
    for told in (told for known in everything() for told in known.facts):
        assert told.text.count(told.answer) == 1, told.text
        assert told.asks, told.text
        assert told.misses, told.text


def test_every_question_about_a_table_has_its_cell() -> None:
    for listed in (listed for known in everything() for listed in known.tables):
        assert all(len(row) == len(listed.columns) for row in listed.rows), listed.topic
        for asked in listed.asks:
            assert listed.rows[asked.row][asked.column].strip(), listed.topic
            assert asked.questions, listed.topic


def test_a_topic_is_either_trained_on_or_held_out() -> None:
    trained, held_out = (set(known.topics) for known in everything())

    assert not trained & held_out
    assert len(held_out) >= 6


def test_no_golden_question_is_trained_on() -> None:
    golden = {item["question"].lower() for item in json.loads(GOLDEN.read_text(encoding="utf-8"))}

    for known in everything():
        asked = {question.lower() for told in known.facts for question in told.asks}
        asked |= {question.lower() for listed in known.tables for one in listed.asks for question in one.questions}
        assert not asked & golden


@given(seed=st.integers(0, 3000))
def test_written_examples_quote_their_passage_or_answer_nothing(seed: int) -> None:
    for example in islice(written.examples(seed, written.library()), 5):
        assert example.question.strip()
        if example.start is not None:
            assert example.answer
            assert example.answer.strip() == example.answer
            assert example.passage.count(example.answer)
        else:
            assert example.end is None


def test_a_question_whose_fact_was_left_out_is_not_answered_by_the_same_text_told_twice() -> None:
    texts = {question.lower().rstrip("?."): told.text for told in written.library().facts for question in told.asks}

    for example in islice(written.examples(11, written.library()), 3000):
        text = texts.get(example.question.lower().rstrip("?."))
        if example.start is None and text is not None:
            assert text not in example.passage


def test_written_examples_repeat_with_their_seed() -> None:
    first, again = (list(islice(written.examples(5, written.library()), 40)) for _ in range(2))

    assert first == again
