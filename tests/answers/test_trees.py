"""Trees learn what a sum cannot say, and never count evidence against itself."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.answers.features import NAMES
from appliance.answers.rules import shipped
from appliance.answers.trees import Trees, fit
from appliance.answers.tuning import AGAINST

FEATURES = ("words", "reader", "missing")


def fitted(seed: int, count: int = 400) -> Trees:
    """Right where either the words or the reader are sure, and nothing is missing; a tenth of the labels are wrong."""
    chance = np.random.default_rng(seed)
    rows = chance.random((count, 3)).round(3)
    right = (rows[:, :2].max(axis=1) > 0.7) & (rows[:, 2] < 0.6)
    labels = np.where(chance.random(count) < 0.1, ~right, right).astype(float)
    return fit(FEATURES, frozenset({"missing"}), rows, labels, np.ones(count))


def total(trees: Trees, *values: float) -> float:
    return trees.total(dict(zip(FEATURES, values, strict=True)))


def test_one_of_two_signs_is_enough() -> None:
    trees = fitted(1)
    assert total(trees, 0.9, 0.1, 0.1) > 0
    assert total(trees, 0.1, 0.9, 0.1) > 0
    assert total(trees, 0.1, 0.1, 0.1) < 0
    assert total(trees, 0.9, 0.9, 0.9) < 0


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), values=st.tuples(*[st.floats(0, 1)] * 3), more=st.floats(0, 1))
def test_more_evidence_never_lowers_a_chance(seed: int, values: tuple[float, float, float], more: float) -> None:
    trees = fitted(seed, 200)
    words, reader, missing = values
    known = total(trees, *values)
    assert total(trees, max(words, more), reader, missing) >= known - 1e-9
    assert total(trees, words, max(reader, more), missing) >= known - 1e-9
    assert total(trees, words, reader, max(missing, more)) <= known + 1e-9


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_nor_does_it_in_the_weights_that_ship(data: st.DataObject) -> None:
    values = {name: data.draw(st.floats(0, 1)) for name in NAMES}
    name, more = data.draw(st.sampled_from(NAMES)), data.draw(st.floats(0, 1))
    raised = values | {name: max(values[name], more)}
    for weights in shipped().values():
        before, after = weights.verdict.total(values), weights.verdict.total(raised)
        assert after <= before + 1e-9 if name in AGAINST else after >= before - 1e-9


def test_trees_survive_being_written_down() -> None:
    trees = fitted(2)
    assert Trees.of_json(json.loads(json.dumps(trees.as_json()))) == trees


def test_where_all_are_right_there_is_nothing_to_split() -> None:
    trees = fit(FEATURES, frozenset(), np.zeros((50, 3)), np.ones(50), np.ones(50))
    assert trees == Trees(0.0, ())
