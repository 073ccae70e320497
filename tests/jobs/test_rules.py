"""The arrows of the job's state machine, and patience."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from appliance.jobs.rules import ATTEMPTS, after_failure, may_move, pause_before

STATES = ("queued", "running", "finished", "failed", "cancelled")


@given(st.sampled_from(STATES), st.sampled_from(STATES))
def test_what_has_ended_never_moves_again(old: str, new: str) -> None:
    if old in {"finished", "failed", "cancelled"}:
        assert not may_move(old, new)


@given(st.sampled_from(STATES))
def test_only_a_running_job_can_finish_or_fail(old: str) -> None:
    assert may_move(old, "finished") == (old == "running")
    assert may_move(old, "failed") == (old == "running")


def test_a_job_is_tried_three_times_with_growing_pauses() -> None:
    assert [after_failure(attempt) for attempt in (1, 2, 3)] == ["queued", "queued", "failed"]
    assert ATTEMPTS == 3
    assert [pause_before(attempt) for attempt in (1, 2, 3)] == [dt.timedelta(seconds=s) for s in (1, 4, 16)]
