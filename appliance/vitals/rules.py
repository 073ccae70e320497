"""Samples of a minute, and the points that a chart draws of them; pure.

A sample holds requests by how long they took, in the buckets of the histogram, so that minutes can be put together and the
median of an hour is that of its requests, and no mean of means.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

BOUNDS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds; the upper ends of the buckets of `outpost_http_request_seconds`. One more bucket takes what was slower."""
MINUTES: Final = 1440
"""Samples that are kept: a day."""
STEPS: Final = {1: 1, 24: 20}
"""Minutes in one point of a chart, by the hours that the chart shows."""
Hours = Literal[1, 24]


@dataclass(frozen=True, slots=True)
class Sample:
    """One minute (since 1970, UTC). `times` are requests by bucket; counts are those of the minute; the last three are levels at its end."""

    minute: int
    times: tuple[int, ...]
    failed: int
    questions: int
    findings: int
    waiting: int
    free: int
    memory: int


@dataclass(frozen=True, slots=True)
class Point:
    """Some minutes together, the first of them at `at`. None where nothing was sampled, or of times where nobody asked anything.

    Times in milliseconds, `free` and `memory` in bytes.
    """

    at: dt.datetime
    requests: int | None
    failed: int | None
    median_ms: float | None
    slow_ms: float | None
    questions: int | None
    findings: int | None
    waiting: int | None
    free: int | None
    memory: int | None


def merged(first: Sample, second: Sample) -> Sample:
    """What both counted, and the levels of the second; the minute is that of the second."""
    return Sample(
        second.minute,
        tuple(one + other for one, other in zip(first.times, second.times, strict=True)),
        first.failed + second.failed,
        first.questions + second.questions,
        first.findings + second.findings,
        second.waiting,
        second.free,
        second.memory,
    )


def quantile(times: Sequence[int], share: float) -> float | None:
    """Seconds within which `share` of the requests were answered, as Prometheus' `histogram_quantile` reckons it: evenly
    spread within a bucket, and what is slower than all of them counts as the last bound. None without requests.
    """
    total = sum(times)
    if not total:
        return None
    rank, before, low = share * total, 0, 0.0
    for count, high in zip(times, BOUNDS, strict=False):
        if count and before + count >= rank:
            return low + (high - low) * (rank - before) / count
        before, low = before + count, high
    return BOUNDS[-1]


def points(samples: Iterable[Sample], now_minute: int, hours: Hours) -> list[Point]:
    """The chart of the hours that end with the minute `now_minute`, oldest first and without holes; samples of other times,
    as a clock that was set leaves them, are left out.
    """
    step = STEPS[hours]
    last = now_minute // step
    first = last - hours * 60 // step + 1
    held: dict[int, Sample] = {}
    for one in sorted(samples, key=lambda sample: sample.minute):
        place = one.minute // step
        if first <= place <= last and one.minute <= now_minute:
            held[place] = merged(held[place], one) if place in held else one
    return [_point(place * step, held.get(place)) for place in range(first, last + 1)]


def _point(minute: int, one: Sample | None) -> Point:
    at = dt.datetime.fromtimestamp(minute * 60, dt.UTC)
    if one is None:
        return Point(at, None, None, None, None, None, None, None, None, None)
    return Point(
        at, sum(one.times), one.failed, _ms(quantile(one.times, 0.5)), _ms(quantile(one.times, 0.95)),
        one.questions, one.findings, one.waiting, one.free, one.memory,
    )  # fmt: skip


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
