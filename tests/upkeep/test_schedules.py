"""What was due, told from the clock alone."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.upkeep.schedules import SCHEDULES, Schedule
from appliance.upkeep.types import TYPES

moments = st.datetimes(dt.datetime(1999, 1, 1), dt.datetime(2090, 1, 1)).map(lambda one: one.replace(tzinfo=dt.UTC))
schedules = st.sampled_from(sorted(SCHEDULES.values(), key=lambda one: one.name))


@given(schedules, moments)
def test_something_was_due_before_every_moment_and_something_is_after_it(schedule: Schedule, now: dt.datetime) -> None:
    due, following = schedule.latest_due(now), schedule.next_after(now + dt.timedelta(microseconds=1))

    assert due is not None
    assert following is not None
    assert now - schedule.apart <= due <= now < following


@given(schedules, moments)
def test_a_run_is_named_by_the_moment_that_it_was_due(schedule: Schedule, now: dt.datetime) -> None:
    due = schedule.latest_due(now)
    assert due is not None
    following = schedule.next_after(due + dt.timedelta(seconds=1))
    assert following is not None

    assert schedule.key(due) == schedule.key(due.astimezone(dt.timezone(dt.timedelta(hours=5))))
    assert schedule.key(due) != schedule.key(following)
    assert schedule.latest_due(following - dt.timedelta(seconds=1)) == due
    assert schedule.latest_due(following) == following


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=lambda one: one.name)
def test_every_schedule_does_a_job_that_there_is(schedule: Schedule) -> None:
    assert schedule.type in {one.name for one in TYPES}
