"""The decoding thread with a real model: everybody is served, nobody is harmed by another."""

from collections.abc import Callable
from pathlib import Path

import pytest

from models.chat.engine import Engine
from models.chat.loop import Limits, Loop, Piece
from models.chat.sampler import Sampling
from models.chat.scheduler import BATCH, QueueFull
from models.errors import PackageDamaged
from tests.models.chat.conftest import CONTEXT, Heard

PROMPT = list(b"Which valve is closed first? ")


def long_prompt(length: int) -> list[int]:
    return [32 + (n * 7) % 90 for n in range(length)]


def test_an_answer_ends_at_its_limit_and_counts_its_tokens(make_loop: Callable[..., Loop]) -> None:
    loop, heard = make_loop(), Heard("a", PROMPT, 20)

    loop.submit(heard.request)
    done = heard.finished()

    assert (done.reason, done.prompt_tokens, done.completion_tokens) == ("length", len(PROMPT), 20)
    assert len("".join(heard.pieces)) == 20
    assert done.confidence is not None
    assert done.confidence < 0


def test_the_same_request_gives_the_same_answer_alone_and_among_others(make_loop: Callable[..., Loop]) -> None:
    # Tokens, not bits: the products of a batch are summed in another order than those of a single token.
    alone, loop = Heard("a", PROMPT, 60), make_loop()
    loop.submit(alone.request)
    alone.finished()
    loop = make_loop(sequences=5)
    others = [Heard(str(n), long_prompt(50 + 40 * n), 90) for n in range(4)]
    among = Heard("a", PROMPT, 60)

    for heard in [*others, among]:
        loop.submit(heard.request)
    among.finished()

    assert among.tokens == alone.tokens


def test_a_running_answer_goes_on_between_the_chunks_of_a_long_prompt(make_loop: Callable[..., Loop]) -> None:
    loop, log = make_loop(sequences=2), list[str]()
    running = Heard("running", PROMPT, 3000, log=log)
    newcomer = Heard("newcomer", long_prompt(3000), 1, log=log)
    loop.submit(running.request)
    running.until(lambda events: len(events) >= 3)

    before, steps = len(log), loop.totals.prompt_steps
    loop.submit(newcomer.request)
    newcomer.finished()
    beside = log[before : log.index("newcomer")].count("running")

    chunks = loop.totals.prompt_steps - steps
    assert chunks > 3000 // BATCH
    assert beside >= chunks - 1
    loop.cancel(running.request)


def test_beside_a_running_answer_a_short_prompt_does_not_wait_for_a_long_one(make_loop: Callable[..., Loop]) -> None:
    loop, ends = make_loop(sequences=3), list[str]()
    running = Heard("running", PROMPT, 3000)
    long, short = Heard("long", long_prompt(3500), 1, ends=ends), Heard("short", PROMPT[5:], 1, ends=ends)
    loop.submit(running.request)
    running.until(lambda events: len(events) >= 3)

    for heard in (long, short):
        loop.submit(heard.request)
    for heard in (long, short):
        heard.finished()

    assert ends == ["short", "long"]
    loop.cancel(running.request)


def test_a_caller_with_twenty_requests_does_not_starve_another(make_loop: Callable[..., Loop]) -> None:
    loop, ends = make_loop(sequences=2), list[str]()
    greedy = [Heard("greedy", PROMPT, 20, ends=ends) for _ in range(20)]
    modest = Heard("modest", PROMPT, 20, ends=ends)
    for heard in [*greedy, modest]:
        loop.submit(heard.request)

    for heard in [*greedy, modest]:
        heard.finished()

    # Two were being served already; the next place is the other caller's.
    assert len(ends) == 21
    assert ends.index("modest") <= 4


def test_a_cancelled_request_frees_its_sequence_and_delivers_nothing_more(make_loop: Callable[..., Loop]) -> None:
    loop = make_loop(sequences=1)
    left, next_one = Heard("a", PROMPT, 3000), Heard("a", PROMPT, 5)
    loop.submit(left.request)
    left.until(lambda events: len(events) >= 2)
    loop.submit(next_one.request)

    loop.cancel(left.request)
    next_one.finished()

    assert not left.over
    assert len(left.events) < 3000
    assert (loop.running, loop.waiting) == (0, 0)


def test_a_cancelled_request_that_still_waits_is_never_served(make_loop: Callable[..., Loop]) -> None:
    loop = make_loop(sequences=1)
    running, waiting, last = Heard("a", PROMPT, 300), Heard("a", PROMPT, 5), Heard("a", PROMPT, 5)
    for heard in (running, waiting, last):
        loop.submit(heard.request)

    loop.cancel(waiting.request)
    last.finished()

    assert waiting.events == []


def test_the_queue_is_bounded_and_says_when_to_try_again(make_loop: Callable[..., Loop]) -> None:
    loop = make_loop(sequences=1, limits=Limits(waiting=2))
    running = Heard("a", PROMPT, 3000)
    loop.submit(running.request)
    running.until(lambda events: len(events) >= 1)
    for _ in range(2):
        loop.submit(Heard("a", PROMPT, 5).request)

    with pytest.raises(QueueFull) as full:
        loop.submit(Heard("b", PROMPT, 5).request)

    assert full.value.retry_after >= 1
    loop.cancel(running.request)


def test_those_who_wait_learn_how_many_are_before_them(make_loop: Callable[..., Loop]) -> None:
    loop = make_loop(sequences=1)
    running = Heard("a", PROMPT, 3000)
    loop.submit(running.request)
    running.until(lambda events: len(events) >= 1)
    first, second, third = (Heard(name, PROMPT, 3) for name in ("a", "a", "b"))
    for heard in (first, second, third):
        loop.submit(heard.request)
    running.until(lambda events: len(third.waits) >= 1)
    loop.cancel(running.request)

    for heard in (first, second, third):
        heard.finished()

    # The other caller goes first, however late it came.
    assert third.waits[-1].ahead == 0
    assert second.waits[-1].ahead == 0
    assert max(wait.ahead for wait in second.waits) >= 1
    assert all(wait.seconds >= 1 for heard in (first, second, third) for wait in heard.waits)
    assert running.waits == []


def test_a_beginning_that_was_read_once_is_not_read_again(make_loop: Callable[..., Loop]) -> None:
    loop, shared = make_loop(sequences=2), long_prompt(1500)
    cold, warm = Heard("a", [*shared, 65, 66], 5), Heard("b", [*shared, 67, 68, 69], 5)
    loop.submit(cold.request)
    cold.finished()
    before = loop.totals.prompt_tokens

    loop.submit(warm.request)

    assert warm.finished().reused == 1500
    assert loop.totals.prompt_tokens - before == 3


def test_an_answer_from_a_reused_beginning_is_the_same_answer(make_loop: Callable[..., Loop]) -> None:
    loop, prompt = make_loop(sequences=1), long_prompt(300)
    answers = [Heard("a", prompt, 40) for _ in range(2)]

    for heard in answers:
        loop.submit(heard.request)
        heard.finished()

    assert answers[1].finished().reused == 299
    assert answers[0].tokens == answers[1].tokens


def test_a_beginning_is_lent_by_an_answer_that_still_runs(make_loop: Callable[..., Loop]) -> None:
    loop, shared = make_loop(sequences=2), long_prompt(600)
    running, second = Heard("a", [*shared, 65], 3000), Heard("b", [*shared, 66], 5)
    loop.submit(running.request)
    running.until(lambda events: len(events) >= 1)

    loop.submit(second.request)

    assert second.finished().reused == 600
    loop.cancel(running.request)


def test_a_request_that_llama_refuses_fails_alone(make_loop: Callable[..., Loop]) -> None:
    alone, loop = Heard("a", PROMPT, 40), make_loop()
    loop.submit(alone.request)
    alone.finished()
    good, bad = Heard("a", PROMPT, 40), Heard("b", [*PROMPT, 10**6], 40)
    loop.submit(good.request)
    loop.submit(bad.request)

    assert bad.failed().code == "inference_failed"
    good.finished()
    assert good.tokens == alone.tokens
    after = Heard("b", PROMPT, 3)
    loop.submit(after.request)
    after.finished()


def test_a_request_that_takes_too_long_is_ended(make_loop: Callable[..., Loop]) -> None:
    loop = make_loop(sequences=1, limits=Limits(seconds=0.3))
    running, waiting = Heard("a", PROMPT, 4000), Heard("a", PROMPT, 4000)

    loop.submit(running.request)
    loop.submit(waiting.request)

    assert running.failed().code == "timeout"
    assert waiting.failed().code == "timeout"


def test_closing_tells_everybody(make_loop: Callable[..., Loop]) -> None:
    loop = make_loop(sequences=1)
    running, waiting = Heard("a", PROMPT, 3000), Heard("a", PROMPT, 5)
    loop.submit(running.request)
    loop.submit(waiting.request)
    running.until(lambda events: len(events) >= 1)

    loop.close()

    assert (running.failed().code, waiting.failed().code) == ("stopping", "stopping")
    assert not loop.alive
    with pytest.raises(QueueFull):
        loop.submit(Heard("a", PROMPT, 5).request)


def test_a_seed_draws_the_same_answer_again_and_another_seed_another(make_loop: Callable[..., Loop]) -> None:
    loop = make_loop()
    drawn = [Heard("a", PROMPT, 30, sampling=Sampling(temperature=1.0, seed=seed)) for seed in (7, 7, 8)]

    for heard in drawn:
        loop.submit(heard.request)
        heard.finished()

    assert drawn[0].tokens == drawn[1].tokens
    assert drawn[0].tokens != drawn[2].tokens


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_characters_split_between_tokens_come_whole(make_loop: Callable[..., Loop], temperature: float) -> None:
    written = "Größe 5 µm, 世界 😀"
    sampling = Sampling(temperature=temperature, grammar=f'root ::= "{written}"')
    loop, heard = make_loop(), Heard("a", PROMPT, 100, sampling=sampling)

    loop.submit(heard.request)
    done = heard.finished()

    assert done.reason == "stop"
    assert done.completion_tokens == len(written.encode())
    assert "".join(heard.pieces) == written
    assert all("\ufffd" not in piece for piece in heard.pieces)


def test_a_stop_string_across_tokens_ends_the_answer_before_it(make_loop: Callable[..., Loop]) -> None:
    sampling = Sampling(grammar='root ::= "the SToP and the STOP sign"')
    loop, heard = make_loop(), Heard("a", PROMPT, 100, sampling=sampling, stops=("STOP", "never"))

    loop.submit(heard.request)
    done = heard.finished()

    assert (done.reason, "".join(heard.pieces)) == ("stop", "the SToP and the ")
    assert done.completion_tokens == len("the SToP and the STOP")


def test_several_grammars_at_once_do_not_mix(make_loop: Callable[..., Loop]) -> None:
    loop = make_loop()
    texts = ["one", "twenty", "three hundred", "4"]
    heard = [Heard(text, PROMPT, 50, sampling=Sampling(grammar=f'root ::= "{text}"')) for text in texts]

    for each in heard:
        loop.submit(each.request)
    for each in heard:
        each.finished()

    assert ["".join(each.pieces) for each in heard] == texts


def test_a_full_context_is_used_to_its_last_token(make_loop: Callable[..., Loop]) -> None:
    loop = make_loop(sequences=2)
    full = [Heard(str(n), long_prompt(CONTEXT - 10 - n), 10) for n in range(2)]

    for each in full:
        loop.submit(each.request)

    assert [each.finished().completion_tokens for each in full] == [10, 10]


def test_a_file_that_is_no_model_is_refused(tmp_path: Path, gguf: Path) -> None:
    torn = tmp_path / "torn.gguf"
    torn.write_bytes(gguf.read_bytes()[:-10_000])
    for path in (torn, tmp_path / "none.gguf"):
        with pytest.raises(PackageDamaged):
            Engine(path, threads=1, sequences=1)


def test_log_probabilities_are_those_of_the_whole_vocabulary(make_loop: Callable[..., Loop]) -> None:
    loop, heard = make_loop(), Heard("a", PROMPT, 5, likely=3)

    loop.submit(heard.request)
    heard.finished()

    for event in heard.events:
        if isinstance(event, Piece):
            token, logprob = event.picked.likely[0]
            assert token == event.picked.token
            assert logprob == pytest.approx(event.picked.logprob)
            assert len(event.picked.likely) == 3
