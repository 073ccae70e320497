"""What the starter chat model is taught says what is true of its passages; its weights survive being packed."""

import json
import random
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.answers.sources import Passage
from appliance.answers.worded import released
from models.starter import plant, written
from models.starter.chat import calls, quantise
from models.starter.chat.examples import NOT_HERE, Talk, cell, talks
from models.starter.chat.measure import Said, copied, figures, valid, well_formed

LIBRARY = written.library()


def some(seed: int, count: int) -> list[Talk]:
    sources = [(0.5, plant.examples(seed)), (0.5, written.examples(seed, LIBRARY))]
    return list(islice(talks(seed, sources), count))


def test_what_it_is_taught_to_say_stands_in_the_passage_that_it_cites() -> None:
    """But for a row that the end of a page has torn, one in hundreds."""
    torn = words = 0
    for talk in some(17, 600):
        if talk.task == "word":
            told, _, number = talk.answer.removesuffix("].").rpartition(" [")
            words += 1
            torn += not all(part in talk.passages[int(number) - 1] for part in told.split(", "))
        elif talk.task == "refuse":
            assert talk.answer == NOT_HERE
        elif talk.task == "fill":
            assert valid(talk.answer)

    assert words > 100
    assert torn <= words // 50


def test_most_sentences_that_it_is_taught_would_be_released() -> None:
    taught = [talk for talk in some(3, 250) if talk.task == "word"]
    free = [released(t.question, [Passage(text) for text in t.passages], t.answer).released for t in taught]

    assert sum(free) / len(free) > 0.8


def test_a_row_is_told_by_its_key_and_the_cell_that_was_asked_for() -> None:
    row = "Fastener: M10 | Size: 8 | Torque: 47 Nm"

    assert cell(row, row.index("47"), "torque of M10?") == "Fastener: M10, Torque: 47 Nm"
    assert cell(row, row.index("M10"), "which one needs 47 Nm?") == "Fastener: M10, Torque: 47 Nm"


@given(seed=st.integers(0, 3000))
def test_a_call_names_a_tool_of_the_list_and_an_argument_of_the_request(seed: int) -> None:
    system, request, wanted = calls.call(random.Random(seed))
    made = json.loads(wanted.splitlines()[1])

    assert f'"name": "{made["name"]}"' in system
    assert all(value in request for value in made["arguments"].values())
    assert well_formed(wanted)


@pytest.mark.parametrize(("kind", "bits"), [("q8_0", 127), ("q4_0", 8)])
def test_a_packed_weight_is_off_by_at_most_one_step_of_its_block(kind: str, bits: int) -> None:
    weights = np.random.default_rng(1).standard_normal((64, 256)).astype(np.float32)
    weights[0] = 0
    packed = {"q8_0": quantise.q8_0, "q4_0": quantise.q4_0}[kind](weights)

    off = np.abs(quantise.restored(packed, kind) - weights.reshape(-1, 32))

    step = np.abs(weights.reshape(-1, 32)).max(axis=1, keepdims=True) / bits
    assert (off <= step * 1.01).all()


def test_the_measure_counts_what_was_said_against_what_was_wanted() -> None:
    passages = ("Fastener: M10 | Torque: 47 Nm",)
    word = Talk("word", (), "Fastener: M10, Torque: 47 Nm [1].", "M10?", passages)
    refuse = Talk("refuse", (), NOT_HERE, "M99?", passages)
    said = [Said(word, word.answer, released=True), Said(word, NOT_HERE, released=False), Said(refuse, "47 Nm [1].")]

    found = {name: str(part) for name, part in figures(said).items()}

    assert copied(said[0])
    assert not copied(Said(word, "Torque: 74 Nm [1]."))
    assert found["sentences released by the gate"] == "100 % of 1"
    assert found["the sentence that was wanted"] == " 50 % of 2"
    assert found["refused though the answer is there"] == " 50 % of 2"
    assert found["refused where it is missing"] == "  0 % of 1"


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"answer": 3, "passage": 1}', '{"answer": "x", "passage": true}', '{"answer": "x"']
)
def test_what_misses_the_schema_is_not_valid(text: str) -> None:
    assert not valid(text)
