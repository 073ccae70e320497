"""A day of the node in a file that never grows: what is kept, what of it is told, and what a crash leaves."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import random
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import Unavailable
from appliance.metrics import ANSWERS, REQUEST_SECONDS, REQUESTS, VIOLATIONS
from appliance.vitals import Vitals
from appliance.vitals.ring import BUCKETS, RECORD, SIZE, Ring
from appliance.vitals.rules import BOUNDS, MINUTES, STEPS, Hours, Sample, merged, points, quantile
from appliance.vitals.service import Levels, counted

NOW = int(dt.datetime(2027, 3, 1, 12, 7, tzinfo=dt.UTC).timestamp() // 60)
HOURS: list[Hours] = [1, 24]
COUNTS = st.lists(st.integers(0, 50), min_size=BUCKETS, max_size=BUCKETS).map(tuple)


def sample(minute: int, requests: int = 1, *, questions: int = 0, waiting: int = 2) -> Sample:
    return Sample(minute, (0, requests, *[0] * (BUCKETS - 2)), 0, questions, 0, waiting, 10**12, 10**9)


@pytest.fixture
def ring(tmp_path: Path) -> Ring:
    return Ring(tmp_path / "vitals")


def test_our_buckets_are_those_of_the_histogram() -> None:
    assert [*BOUNDS, float("inf")] == list(REQUEST_SECONDS._upper_bounds)


@given(times=COUNTS, share=st.floats(0.01, 0.99))
def test_a_quantile_lies_in_the_bucket_of_the_request_at_its_rank(times: tuple[int, ...], share: float) -> None:
    found = quantile(times, share)
    if not sum(times):
        assert found is None
        return
    assert found is not None
    reached = list(itertools.accumulate(times))
    bucket = next(at for at, count in enumerate(reached) if count >= share * reached[-1] and times[at])
    low = BOUNDS[min(bucket, len(BOUNDS)) - 1] if bucket else 0.0
    high = BOUNDS[bucket] if bucket < len(BOUNDS) else BOUNDS[-1]
    assert low <= found <= high + 1e-9


@given(minutes=st.sets(st.integers(NOW - 3 * MINUTES, NOW + MINUTES), max_size=200), hours=st.sampled_from(HOURS))
def test_a_chart_has_every_point_once_and_counts_what_lies_in_its_hours(minutes: set[int], hours: Hours) -> None:
    shuffled = [sample(minute) for minute in minutes]
    random.Random(len(minutes)).shuffle(shuffled)
    found = points(shuffled, NOW, hours)

    assert len(found) == hours * 60 // STEPS[hours]
    steps = {(other.at - one.at).total_seconds() for one, other in itertools.pairwise(found)}
    assert steps == {STEPS[hours] * 60}
    first = found[0].at.timestamp() // 60
    assert sum(one.requests or 0 for one in found) == sum(first <= minute <= NOW for minute in minutes)


def test_the_median_of_an_hour_is_that_of_its_requests_and_no_mean_of_medians() -> None:
    fast = Sample(NOW - 1, (98, *[0] * (BUCKETS - 1)), 0, 0, 0, 0, 1, 1)
    slow = Sample(NOW, (*[0] * (BUCKETS - 1), 2), 0, 0, 0, 5, 1, 1)
    (together,) = [one for one in points([fast, slow], NOW, 24) if one.requests]

    assert together.requests == 100
    assert together.median_ms is not None
    assert together.median_ms < 2
    assert together.waiting == 5


def test_a_day_is_kept_and_the_minute_of_the_day_before_makes_room(ring: Ring, tmp_path: Path) -> None:
    for minute in range(NOW - MINUTES - 5, NOW):
        ring.add(sample(minute))

    assert {one.minute for one in ring.samples()} == set(range(NOW - MINUTES, NOW))
    assert (tmp_path / "vitals").stat().st_size == SIZE
    assert (tmp_path / "vitals").stat().st_mode & 0o077 == 0


def test_a_minute_in_two_parts_is_one(ring: Ring) -> None:
    ring.add(sample(NOW, requests=3, questions=1))
    ring.add(sample(NOW, requests=4, waiting=7))

    (found,) = ring.samples()
    assert (sum(found.times), found.questions, found.waiting) == (7, 1, 7)
    assert found == merged(sample(NOW, requests=3, questions=1), sample(NOW, requests=4, waiting=7))


def test_a_torn_record_is_none_and_leaves_the_others(ring: Ring, tmp_path: Path) -> None:
    for minute in range(NOW - 3, NOW):
        ring.add(sample(minute))
    path = tmp_path / "vitals"
    content = bytearray(path.read_bytes())
    content[(NOW - 2) % MINUTES * RECORD + 20] ^= 1
    path.write_bytes(bytes(content))
    assert {one.minute for one in ring.samples()} == {NOW - 3, NOW - 1}

    ring.add(sample(NOW - 2))
    assert len(ring.samples()) == 3


@pytest.mark.parametrize("content", [b"", b"x" * 100, bytes(SIZE + 1)])
def test_a_file_of_another_size_is_made_anew(ring: Ring, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "vitals").write_bytes(content)
    assert ring.samples() == []
    ring.add(sample(NOW))
    assert [one.minute for one in ring.samples()] == [NOW]


def asked(route: str, seconds: float, status: str = "200") -> None:
    REQUESTS.labels("GET", route, status).inc()
    REQUEST_SECONDS.labels("GET", route).observe(seconds)


class Box:
    """A clock and levels to set."""

    def __init__(self) -> None:
        self.now = NOW * 60.0 + 30
        self.broken = False

    async def levels(self) -> Levels:
        if self.broken:
            raise Unavailable("the database is away")
        return Levels(waiting=3, free=5 * 10**9, memory=10**9)


async def test_what_is_counted_becomes_the_sample_of_its_minute_and_is_there_after_a_restart(ring: Ring) -> None:
    box = Box()
    vitals = Vitals(ring, box.levels, clock=lambda: box.now)
    for seconds in (0.02, 0.02, 3.0):
        asked("/v1/chat", seconds)
    asked("/v1/chat", 0.02, "500")
    for route in ("ui", "/health/ready", "/metrics", "/v1/notifications/events", "/v1/health/components"):
        asked(route, 9.0)
    ANSWERS.labels("quote").inc()
    VIOLATIONS.labels("injection", "question", "withheld").inc(2)
    await vitals.sample(minute=NOW)
    box.now += 60
    asked("/v1/chat", 0.02)

    found = await Vitals(ring, box.levels, clock=lambda: box.now).points(1)
    kept = next(one for one in found if one.at.timestamp() == NOW * 60)
    assert (kept.requests, kept.failed, kept.questions, kept.findings) == (4, 1, 1, 2)
    assert (kept.waiting, kept.free, kept.memory) == (3, 5 * 10**9, 10**9)
    assert kept.slow_ms is not None
    assert kept.slow_ms > 1000
    assert found[-2] == kept
    assert (await vitals.points(1))[-1].requests == 1, "what is not kept yet is told too"
    assert found[0].requests is None, "the node did not run then"


async def test_levels_that_cannot_be_read_and_a_disk_that_cannot_be_written_stop_nothing(tmp_path: Path) -> None:
    box = Box()
    box.broken = True
    vitals = Vitals(Ring(tmp_path / "nowhere" / "vitals"), box.levels, clock=lambda: box.now)
    await vitals.sample(minute=NOW)
    box.broken = False
    await vitals.sample(minute=NOW + 1)

    assert (await vitals.points(24))[-1].free == 5 * 10**9


async def test_a_node_that_stops_keeps_the_minute_it_is_in(ring: Ring) -> None:
    box = Box()
    running = asyncio.create_task(Vitals(ring, box.levels, clock=lambda: box.now).run())
    await asyncio.sleep(0)
    asked("/v1/chat", 0.02)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running

    (found,) = ring.samples()
    assert (found.minute, sum(found.times)) == (NOW, 1)


def test_a_process_that_has_answered_nothing_has_counted_nothing_less_than_none() -> None:
    assert len(counted()) == BUCKETS + 3
    assert all(one >= 0 for one in counted())
