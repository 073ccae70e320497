"""A breaker opens after failures in a row, lets one through after its pause, and closes when that one succeeds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.routing.breaker import Breaker


def failing(times: int, now: float = 0.0, breaker: Breaker | None = None) -> Breaker:
    breaker = breaker or Breaker()
    for _ in range(times):
        breaker = breaker.sent(now).failed_at(now)
    return breaker


def test_two_failures_leave_it_closed_and_a_success_forgets_them() -> None:
    breaker = failing(2)

    assert breaker.state(0) == "closed"
    assert failing(2, breaker=breaker.succeeded()).state(0) == "closed"


def test_three_failures_open_it_and_its_pause_lets_one_through() -> None:
    breaker = failing(3)

    assert breaker.state(1.9) == "open"
    assert not breaker.lets_through(1.9)
    assert breaker.state(2.0) == "half-open"
    assert breaker.lets_through(2.0)
    assert not breaker.sent(2.0).lets_through(2.0), "two were let through at once"


def test_a_half_open_one_closes_after_a_success_and_waits_longer_after_a_failure() -> None:
    half = failing(3).sent(2.0)

    assert half.succeeded() == Breaker()
    again = half.failed_at(2.0)
    assert again.state(5.9) == "open"
    assert again.state(6.0) == "half-open"


def test_who_goes_away_leaves_the_way_free_for_the_next() -> None:
    assert failing(3).sent(2.0).left().lets_through(2.0)


@given(st.lists(st.tuples(st.sampled_from(["works", "fails", "leaves"]), st.floats(0, 100)), max_size=60))
def test_it_is_never_shut_for_longer_than_its_longest_pause(steps: list[tuple[str, float]]) -> None:
    breaker, now = Breaker(), 0.0
    for what, passes in steps:
        now += passes
        if breaker.lets_through(now):
            breaker = breaker.sent(now)
            if what == "works":
                breaker = breaker.succeeded()
            elif what == "fails":
                breaker = breaker.failed_at(now)
            else:
                breaker = breaker.left()
        assert breaker.lets_through(now + breaker.longest)
        assert breaker.until <= now + breaker.longest
