"""The decisions of the chat server, for any callers, prompts and caches."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.chat.scheduler import (
    BATCH,
    FIRST,
    LEAST,
    SMALL_TILE,
    STEP_SECONDS,
    TILE,
    FairQueue,
    Held,
    Pace,
    ending,
    place,
    prompt_budget,
    retry_after,
    share,
)

TOKENS = st.lists(st.integers(0, 3), max_size=12)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers()), max_size=40))
def test_a_caller_is_served_in_the_order_of_its_requests(pushed: list[tuple[str, int]]) -> None:
    queue: FairQueue[tuple[str, int]] = FairQueue()
    for item in pushed:
        queue.push(item[0], item)

    served = [queue.pop({}) for _ in pushed]

    assert len(queue) == 0
    for key in "abc":
        assert [item for item in served if item[0] == key] == [item for item in pushed if item[0] == key]


@given(st.integers(1, 50), st.integers(1, 5))
def test_however_many_one_caller_sends_another_waits_for_one_of_them_at_most(many: int, others: int) -> None:
    queue: FairQueue[str] = FairQueue()
    for _ in range(many):
        queue.push("greedy", "greedy")
    for number in range(others):
        queue.push(str(number), str(number))

    served = [queue.pop({}) for _ in range(others + 1)]

    assert len(set(served)) == others + 1


def test_the_caller_with_fewest_running_goes_first() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.push("greedy", "more")
    queue.push("modest", "first")

    assert queue.pop(Counter(greedy=3)) == "first"
    assert queue.pop(Counter(greedy=3, modest=1)) == "more"
    with pytest.raises(IndexError):
        queue.pop({})


def test_a_request_that_was_withdrawn_is_not_served() -> None:
    queue: FairQueue[int] = FairQueue()
    queue.push("a", 1)
    queue.push("a", 2)

    assert queue.remove("a", 1)
    assert not queue.remove("a", 1)
    assert not queue.remove("b", 2)
    assert queue.pop({}) == 2
    assert queue.drain() == []


@given(st.integers(1, BATCH), st.lists(st.integers(0, 3000), max_size=8))
def test_prompts_share_a_step_in_full_and_the_short_ones_do_not_wait(budget: int, left: list[int]) -> None:
    given_ = share(budget, left)

    assert sum(given_) == min(budget, sum(left))
    assert all(0 <= got <= want for got, want in zip(given_, left, strict=True))
    fair = budget // max(1, len(left))
    assert all(got >= min(want, fair) for got, want in zip(given_, left, strict=True))


SECONDS = st.floats(0, 10)
PACES = st.floats(1e-7, 10)


@given(SECONDS, st.one_of(st.just(0.0), st.floats(5e-324, 10)), st.booleans())
def test_a_step_never_holds_more_than_the_batch_and_a_prompt_always_gets_on(
    answers: float, pace: float, beside: bool
) -> None:
    assert LEAST <= prompt_budget(answers, pace, beside=beside) <= BATCH


@given(SECONDS, PACES)
def test_beside_an_answer_a_step_takes_its_time_or_twice_the_answers_or_holds_the_fewest_tokens(
    answers: float, pace: float
) -> None:
    budget = prompt_budget(answers, pace, beside=True)

    assert budget == LEAST or answers + budget * pace <= 1.001 * max(STEP_SECONDS, 2 * answers)


@given(SECONDS, PACES, PACES, st.booleans())
def test_a_slower_prompt_gets_fewer_tokens_and_more_when_nobody_waits(
    answers: float, one: float, other: float, beside: bool
) -> None:
    fast, slow = sorted((one, other))

    assert prompt_budget(answers, slow, beside=beside) <= prompt_budget(answers, fast, beside=beside)
    assert prompt_budget(0, one, beside=True) <= prompt_budget(0, one, beside=False)


@given(SECONDS, PACES, st.booleans())
def test_a_step_leaves_no_part_of_a_tile_over(answers: float, pace: float, beside: bool) -> None:
    budget = prompt_budget(answers, pace, beside=beside)

    assert budget % (TILE if budget > TILE else SMALL_TILE) == 0


@given(st.integers(LEAST, BATCH), st.integers(1, 5000))
def test_a_prompt_ends_in_half_a_step_and_gets_on_in_every_step(budget: int, left: int) -> None:
    taken = ending(budget, left)

    assert 1 <= taken <= min(budget, left)
    assert taken < left or taken <= max(budget // 2, SMALL_TILE)


def test_beside_a_running_answer_a_slow_machine_reads_fewer_tokens_a_step() -> None:
    assert prompt_budget(0.01, 0.002, beside=True) == 64
    assert prompt_budget(0.02, 0.007, beside=True) == 16
    assert prompt_budget(0.02, 0.01, beside=True) == 12
    assert prompt_budget(0.2, 0.01, beside=True) == 16
    assert prompt_budget(0.02, 1.0, beside=True) == LEAST
    assert prompt_budget(0.2, 0.02, beside=True) == 8
    assert prompt_budget(0.0, 0.008, beside=False) == 112
    assert prompt_budget(0.0, 0.0, beside=False) == FIRST


@given(st.lists(PACES, min_size=3, max_size=9), st.integers(0, 8), st.integers(LEAST, BATCH))
def test_a_step_that_a_neighbour_held_up_changes_the_pace_by_little(paces: list[float], late: int, tokens: int) -> None:
    pace = Pace()
    for number, each in enumerate(paces):
        pace.learn(tokens, tokens * (100.0 if number == late % len(paces) else each))

    assert min(paces) * 0.999 <= pace.seconds <= max(paces) * Pace.RISE * 1.001


def test_the_pace_is_that_of_the_last_step_and_not_of_a_few_tokens() -> None:
    pace = Pace()
    assert pace.seconds == 0

    for tokens, seconds in ((16, 1.6), (16, 16.0), (16, 3.2), (16, 3.2), (16, 3.6), (1, 5.0)):
        pace.learn(tokens, seconds)

    assert pace.seconds == pytest.approx(0.225)


@st.composite
def caches(draw: st.DrawFn) -> list[Held]:
    count = draw(st.integers(1, 5))
    free = draw(st.lists(st.booleans(), min_size=count, max_size=count).filter(any))
    used = draw(st.permutations(range(count)))
    return [Held(n, draw(TOKENS), free[n], used[n]) for n in range(count)]


@given(TOKENS.filter(bool), caches())
def test_a_prompt_runs_in_a_free_sequence_and_reuses_what_is_truly_there(prompt: list[int], held: list[Held]) -> None:
    chosen = place(prompt, held)

    assert held[chosen.sequence].free
    assert 0 <= chosen.reused < len(prompt)
    assert held[chosen.source].tokens[: chosen.reused] == prompt[: chosen.reused]
    for each in held:
        longer = min(chosen.reused + 1, len(prompt) - 1)
        assert chosen.reused == longer or list(each.tokens[:longer]) != prompt[:longer]


def test_a_conversation_goes_on_in_its_own_sequence() -> None:
    held = [Held(0, [1, 2, 3, 4], True, 9), Held(1, [], True, 0)]

    assert place([1, 2, 3, 4, 5], held).sequence == 0
    assert place([1, 2, 3, 4, 5], held).reused == 4


def test_a_beginning_shared_with_a_longer_conversation_is_copied_so_that_the_conversation_stays() -> None:
    held = [Held(0, [1, 2, 3, 4, 5, 6], True, 9), Held(1, [7], True, 3), Held(2, [8], True, 5)]

    chosen = place([1, 2, 9], held)

    assert (chosen.sequence, chosen.source, chosen.reused) == (1, 0, 2)


def test_a_prompt_runs_beside_those_that_run_unless_a_sequence_is_empty() -> None:
    held = [Held(0, [7], True, 1), Held(1, [8], True, 9), Held(2, [9], False, 10), Held(3, [6], True, 8)]

    assert place([1, 2], held).sequence == 3
    assert place([1, 2], [*held, Held(4, [], True, 2)]).sequence == 4


def test_a_busy_sequence_lends_its_beginning() -> None:
    chosen = place([1, 2, 3], [Held(0, [1, 2], False, 1), Held(1, [], True, 0)])

    assert (chosen.sequence, chosen.source, chosen.reused) == (1, 0, 2)


def test_the_time_to_try_again_grows_with_the_queue_and_has_bounds() -> None:
    assert retry_after(0, 4, 10) == 1
    assert retry_after(16, 4, 2) == 4
    assert retry_after(1000, 1, 100) == 60
