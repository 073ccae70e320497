"""A passage is cut down to one quote, and what the example says stays true of it."""

import random
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from models.starter import plant
from models.starter.narrow import narrowed, units
from models.starter.squad import Example, headed

TEXT = "The mill was built in 1871. In 1902 a flood destroyed it. Anna Keller rebuilt it in 1905."


def example(answer: str | None) -> Example:
    start = None if answer is None else TEXT.index(answer)
    return Example("When was it rebuilt?", TEXT, start, None if start is None else start + len(answer or ""), "answer")


def test_units_are_sentences_and_lines() -> None:
    text = "Cleaning > Rinse\nOpen V-110. Wait 2.5 min.\n- close it"

    found = [text[start:end] for start, end in units(text)]

    assert found == ["Cleaning > Rinse", "Open V-110.", "Wait 2.5 min.", "- close it"]


def test_the_unit_that_holds_the_answer_answers() -> None:
    cut = narrowed(example("1905"), random.Random(1), heading=False, wrong=0)

    assert cut.passage == "Anna Keller rebuilt it in 1905."
    assert cut.answer == "1905"


def test_another_unit_of_the_same_passage_does_not() -> None:
    cut = narrowed(example("1905"), random.Random(1), heading=False, wrong=1)

    assert cut.passage in TEXT
    assert "1905" not in cut.passage
    assert cut.answer is None


def test_a_heading_stays_above_the_quote() -> None:
    under = headed(example("1905"), "Old_mill")
    cut = narrowed(under, random.Random(1), heading=True, wrong=0)

    assert under.answer == "1905"
    assert cut.passage == "Old mill\nAnna Keller rebuilt it in 1905."
    assert cut.answer == "1905"


def test_a_passage_of_one_sentence_stays_as_it_is() -> None:
    whole = Example("Who?", "Anna Keller rebuilt it.", 0, 11, "answer")

    assert narrowed(whole, random.Random(1), heading=False) == whole


@given(seed=st.integers(0, 3000))
def test_what_cannot_be_answered_stays_so_and_answers_stay_verbatim(seed: int) -> None:
    chance = random.Random(seed)
    for whole in islice(plant.examples(seed), 5):
        cut = narrowed(whole, chance, heading=True)

        assert cut.question == whole.question
        assert cut.answer in (None, whole.answer)
        if whole.answer is None:
            assert cut.answer is None
        if cut.answer is None and whole.answer is not None and cut.passage != whole.passage:
            body = cut.passage.split("\n", 1)[-1]
            assert whole.answer.lower() not in body.lower() or body == whole.answer
