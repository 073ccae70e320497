"""Keeps a sample of every minute, and tells them as points of charts."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.samples import Sample as Counted

from appliance.errors import OutpostError
from appliance.metrics import ANSWERS, REQUEST_SECONDS, REQUESTS, VIOLATIONS
from appliance.vitals.ring import BUCKETS, Ring
from appliance.vitals.rules import Hours, Point, Sample, points

_NOBODY_ASKED: Final = re.compile(r"ui$|/metrics|(/v[12])?/(health|ready)(/|$)|.*/events$")
"""Routes that are left out: files of the screens, what monitors ask, streams that stay open."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Levels:
    """How full things are now: jobs that wait, bytes free on the disk, bytes of memory that the node's processes take."""

    waiting: int
    free: int
    memory: int


class Vitals:
    """Args:
    levels: how full things are now.
    clock: seconds since 1970.
    """

    def __init__(
        self, ring: Ring, levels: Callable[[], Awaitable[Levels]], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._ring, self._levels, self._clock = ring, levels, clock
        self._before = counted()
        self._known = Levels(0, 0, 0)

    async def run(self) -> None:
        """Sample each minute as it ends, until cancelled; then what is left of the last."""
        await self._look()
        try:
            while True:
                await asyncio.sleep(60 - self._clock() % 60)
                await self.sample(minute=round(self._clock() / 60) - 1)
        finally:
            self._keep(int(self._clock() // 60))

    async def sample(self, *, minute: int) -> None:
        """Keep what was counted since the last sample as that of `minute`."""
        await self._look()
        await asyncio.to_thread(self._keep, minute)

    async def points(self, hours: Hours) -> list[Point]:
        """The chart of the last hours; what is being counted now is in its last point."""
        await self._look()
        now = int(self._clock() // 60)
        kept = await asyncio.to_thread(self._ring.samples)
        return points([*kept, self._since(now)], now, hours)

    def _since(self, minute: int) -> Sample:
        after, before = counted(), self._before
        *times, failed, questions, findings = (max(0, one - other) for one, other in zip(after, before, strict=True))
        known = self._known
        return Sample(minute, tuple(times), failed, questions, findings, known.waiting, known.free, known.memory)

    async def _look(self) -> None:
        try:
            self._known = await self._levels()
        except OutpostError as error:
            log.warning("vitals are kept with the levels of before", code=error.code)

    def _keep(self, minute: int) -> None:
        sample = self._since(minute)
        self._before = counted()
        try:
            self._ring.add(sample)
        except OSError as error:
            log.warning("a minute of the vitals was not kept", reason=error.strerror)


def _samples(metric: MetricWrapperBase, ending: str) -> list[Counted]:
    return [one for family in metric.collect() for one in family.samples if one.name.endswith(ending)]


def counted() -> tuple[int, ...]:
    """Requests by bucket, those that failed, questions, findings: all since the process began."""
    buckets: dict[float, int] = {}
    for one in _samples(REQUEST_SECONDS, "_bucket"):
        if not _NOBODY_ASKED.match(one.labels["route"]):
            bound = float(one.labels["le"])
            buckets[bound] = buckets.get(bound, 0) + int(one.value)
    reached = [buckets[bound] for bound in sorted(buckets)] or [0] * BUCKETS
    times = [one - other for one, other in zip(reached, [0, *reached], strict=False)]
    failed = sum(one.value for one in _samples(REQUESTS, "_total") if one.labels["status"].startswith("5"))
    questions, findings = (sum(one.value for one in _samples(each, "_total")) for each in (ANSWERS, VIOLATIONS))
    return (*times, int(failed), int(questions), int(findings))
