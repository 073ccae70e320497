"""Guesses from the prompt: rules alone, and the same answer with and without them."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.chat.lookup import HOPE, MOST, NGRAM, Costs, Lookup, worth
from models.chat.loop import Limits, Loop
from models.chat.sampler import Sampling
from tests.models.chat.conftest import Heard

PROMPT = list(b"Which valve is closed first? ")


@given(st.lists(st.integers(0, 3), max_size=60))
def test_a_guess_is_what_followed_the_same_tokens_before(tokens: list[int]) -> None:
    lookup = Lookup(tokens)

    guess = lookup.guess(MOST, lambda more: 1.0)

    earlier = [n for n in range(NGRAM, len(tokens)) if tokens[n - NGRAM : n] == tokens[-NGRAM:]]
    assert guess == (tokens[earlier[-1] : earlier[-1] + len(guess)] if earlier else [])
    assert bool(guess) == bool(earlier)


@given(st.floats(0, 0.999), st.integers(0, 8), st.floats(0.01, 2))
def test_a_guess_is_made_only_where_it_promises_more_tokens_a_second(chance: float, most: int, slope: float) -> None:
    def cost(more: int) -> float:
        return 1 + slope * more

    def rate(count: int) -> float:
        return sum(chance**n for n in range(count + 1)) / cost(count)

    count = worth(chance, most, cost)

    assert 0 <= count <= most
    assert all(rate(count) >= rate(other) - 1e-12 for other in range(most + 1))


def test_guesses_that_come_false_end_and_are_tried_again_later() -> None:
    lookup, costs = Lookup([1, 2, 3, 4] * 3), Costs()
    for _ in range(12):
        lookup.learn(4, 0)
    assert lookup.chance < 0.1
    assert lookup.guess(4, costs.of) == []

    for _ in range(400):
        lookup.guess(4, costs.of)

    assert lookup.chance > 0.9 * HOPE
    assert lookup.guess(4, costs.of)


def test_a_step_costs_what_was_measured_or_what_its_neighbour_lets_expect() -> None:
    costs = Costs()
    assert costs.of(4) > costs.of(1)
    costs.learn(1, 0.010)
    costs.learn(5, 0.050)

    assert costs.of(1) == pytest.approx(0.010)
    assert costs.of(5) == pytest.approx(0.050)
    assert 0.010 < costs.of(2) < costs.of(4) < 0.050


@pytest.mark.parametrize("grammar", [None, "root ::= [a-f]+"])
def test_an_answer_with_guesses_is_the_same_as_without(make_loop: Callable[..., Loop], grammar: str | None) -> None:
    answers: list[list[int]] = []
    for guessed in (0, 8):
        loop = make_loop(sequences=2, limits=Limits(guessed=guessed))
        heard = Heard("a", PROMPT, 300, sampling=Sampling(grammar=grammar))
        loop.submit(heard.request)
        heard.finished()
        answers.append(heard.tokens)

    assert answers[0] == answers[1]
    assert loop.totals.guessed > 0


def test_a_drawn_answer_is_never_guessed(make_loop: Callable[..., Loop]) -> None:
    loop, heard = make_loop(), Heard("a", PROMPT * 4, 60, sampling=Sampling(temperature=1.0, seed=3))

    loop.submit(heard.request)
    heard.finished()

    assert loop.totals.guessed == 0
