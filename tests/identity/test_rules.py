"""Decisions about people, without any of them."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from appliance.identity import rules
from appliance.identity.errors import TooManyAttempts
from appliance.identity.limits import ADDRESSES, Attempts
from appliance.identity.passwords import ALPHABET, generated

NOW = dt.datetime(2026, 3, 2, 6, 0, tzinfo=dt.UTC)
moments = st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2100, 1, 1), timezones=st.just(dt.UTC))


def test_the_sixth_failure_in_a_row_locks_for_a_quarter_of_an_hour() -> None:
    failures: int = 0
    until: dt.datetime | None = None
    for _ in range(5):
        failures, until = rules.after_failure(failures, until, NOW)
        assert not rules.locked(until, NOW)

    failures, until = rules.after_failure(failures, until, NOW)

    assert until == NOW + dt.timedelta(minutes=15)
    assert rules.locked(until, NOW + dt.timedelta(minutes=14, seconds=59))
    assert not rules.locked(until, NOW + dt.timedelta(minutes=15))


def test_after_a_lock_counting_begins_anew() -> None:
    assert rules.after_failure(6, NOW, NOW + dt.timedelta(minutes=1)) == (1, None)


@given(until=moments, now=moments)
def test_no_clock_locks_anybody_for_longer_than_the_lock(until: dt.datetime, now: dt.datetime) -> None:
    if rules.locked(until, now):
        assert not rules.locked(until, now + rules.LOCK)
        assert until - now <= rules.LOCK


@given(st.text(max_size=30))
def test_folding_a_name_twice_changes_nothing_more(name: str) -> None:
    assert rules.folded(rules.folded(name)) == rules.folded(name)


def test_generated_passwords_are_readable_and_all_different() -> None:
    made = {generated() for _ in range(200)}

    assert len(made) == 200
    assert all(len(word) == 19 and set(word) <= {*ALPHABET, "-"} for word in made)
    assert not set("l1o0") & set(ALPHABET)


def test_an_address_that_fails_too_often_waits_and_others_do_not() -> None:
    now = 0.0
    attempts = Attempts(burst=3, per_minute=6, monotonic=lambda: now)
    for _ in range(3):
        attempts.take("10.0.0.9")
    try:
        attempts.take("10.0.0.9")
    except TooManyAttempts as refused:
        assert refused.context == {"retry_after": 10}
    else:
        raise AssertionError("a fourth attempt was allowed")

    attempts.take("10.0.0.8")
    now = 10.0
    attempts.take("10.0.0.9")


def test_right_attempts_cost_nothing() -> None:
    attempts = Attempts(burst=1, monotonic=lambda: 0.0)
    for _ in range(50):
        attempts.take("10.0.0.9")
        attempts.give_back("10.0.0.9")


def test_addresses_are_forgotten_before_they_fill_the_memory() -> None:
    attempts = Attempts(burst=1, monotonic=lambda: 0.0)
    for number in range(ADDRESSES + 1):
        attempts.take(str(number))

    attempts.take("0")
