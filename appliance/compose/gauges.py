"""Gauges of stored things, read when `/metrics` is scraped, and the beat of the worker that one of them tells of."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Final

from appliance.jobs.counting import Measured
from appliance.jobs.service import measured
from appliance.metrics import (
    BUDGET_USED,
    JOB_DEAD,
    JOB_ENDED,
    JOB_OLDEST,
    JOB_RETRIES,
    JOB_SECONDS,
    JOBS,
    JOBS_BY_TYPE,
    WORKER_BEAT,
)
from appliance.shelf.budget import Standing
from appliance.shelf.spending import of_plant
from appliance.store import Store

BEAT: Final = "worker.beat"
BEAT_SECONDS: Final = 5.0
STATES: Final = ("queued", "running", "finished", "failed", "cancelled")


async def beat(run: Path) -> None:
    """Touch a file for as long as this process has time to."""
    while True:
        with contextlib.suppress(OSError):
            (run / BEAT).touch()
        await asyncio.sleep(BEAT_SECONDS)


def gauges_of(store: Store, run: Path, types: Iterable[str]) -> Callable[[], Awaitable[None]]:
    """Args:
    types: what a type of job may be called in a label; others are `other`.
    """
    known = frozenset(types)

    async def read() -> None:
        found, now = Measured(), dt.datetime.now(dt.UTC)
        budgets: list[tuple[str, Standing]] = []
        for tenant in await store.tenants():
            found.add(await measured(store, tenant.id, now))
            budgets += [(tenant.slug, one) for one in await of_plant(store, tenant.id, now)]
        show(found.under(known))
        BUDGET_USED.clear()
        for slug, one in budgets:
            BUDGET_USED.labels(slug, one.budget.counts, one.budget.period, one.budget.provider).set(one.share)
        WORKER_BEAT.set(_age(run / BEAT))

    return read


def show(found: Measured) -> None:
    """Let every gauge of jobs say this, and nothing of before."""
    for gauge in (JOBS_BY_TYPE, JOB_OLDEST, JOB_SECONDS, JOB_ENDED, JOB_RETRIES, JOB_DEAD):
        gauge.clear()
    for state in STATES:
        JOBS.labels(state).set(sum(count for (_, one), count in found.states.items() if one == state))
    for labels, count in found.states.items():
        JOBS_BY_TYPE.labels(*labels).set(count)
    for labels, count in found.ended.items():
        JOB_ENDED.labels(*labels).set(count)
    for labels, count in found.dead.items():
        JOB_DEAD.labels(*labels).set(count)
    for kind, count in found.retries.items():
        JOB_RETRIES.labels(kind).set(count)
    for kind, age in found.oldest.items():
        JOB_OLDEST.labels(kind).set(age)
    for kind, times in found.seconds.items():
        JOB_SECONDS.labels(kind, "mean").set(sum(times) / len(times))
        JOB_SECONDS.labels(kind, "max").set(max(times))


def _age(path: Path) -> float:
    try:
        return max(0.0, time.time() - path.stat().st_mtime)
    except OSError:
        return float("inf")
