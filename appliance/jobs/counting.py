"""What a monitor is told of a queue: how much waits and for how long, how long work took, how often it was tried again.

Taken from the rows, so that it holds whatever workers were killed or started anew; the last hour, because rows of
before go one day.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.jobs.tables import JobEventRow, JobRow

HOUR: Final = dt.timedelta(hours=1)
MOST_TIMED: Final = 2000
"""Jobs whose times are read at one look."""
ENDED: Final = ("finished", "failed", "cancelled")


@dataclass(slots=True)
class Measured:
    """Of each type: how many by state, the age in seconds of the oldest that could run, seconds that each run took, jobs
    that ended by how, further tries, and dead ones by reason.
    """

    states: Counter[tuple[str, str]] = field(default_factory=Counter)
    oldest: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    ended: Counter[tuple[str, str]] = field(default_factory=Counter)
    retries: Counter[str] = field(default_factory=Counter)
    dead: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: Measured) -> None:
        """Take in what another plant has."""
        self.states += other.states
        self.ended += other.ended
        self.retries += other.retries
        self.dead += other.dead
        for kind, age in other.oldest.items():
            self.oldest[kind] = max(age, self.oldest.get(kind, 0.0))
        for kind, times in other.seconds.items():
            self.seconds.setdefault(kind, []).extend(times)

    def under(self, known: Iterable[str]) -> Measured:
        """The same with every type that is not known called `other`: labels have an end."""
        names = frozenset(known)

        def named(kind: str) -> str:
            return kind if kind in names else "other"

        found = Measured()
        for (kind, state), count in self.states.items():
            found.states[named(kind), state] += count
        for (kind, state), count in self.ended.items():
            found.ended[named(kind), state] += count
        for (kind, reason), count in self.dead.items():
            found.dead[named(kind), reason] += count
        for kind, count in self.retries.items():
            found.retries[named(kind)] += count
        for kind, age in self.oldest.items():
            found.oldest[named(kind)] = max(age, found.oldest.get(named(kind), 0.0))
        for kind, times in self.seconds.items():
            found.seconds.setdefault(named(kind), []).extend(times)
        return found


async def measure(session: AsyncSession, now: dt.datetime) -> Measured:
    """Read one queue."""
    found = Measured()
    kinds = select(JobRow.kind, JobRow.state, func.count()).group_by(JobRow.kind, JobRow.state)
    for kind, state, count in await session.execute(kinds):
        found.states[kind, state] = count
    waiting = select(JobRow.kind, func.min(JobRow.not_before)).where(JobRow.state == "queued", JobRow.not_before <= now)
    for kind, since in await session.execute(waiting.group_by(JobRow.kind)):
        found.oldest[kind] = (now - since).total_seconds()
    dead = select(JobRow.kind, JobRow.reason, func.count()).where(JobRow.state == "failed")
    for kind, reason, count in await session.execute(dead.group_by(JobRow.kind, JobRow.reason)):
        found.dead[kind, reason or "unknown"] = count
    lately = and_(JobRow.state.in_(ENDED), JobRow.updated_at > now - HOUR, JobRow.updated_at <= now)
    tries = select(JobRow.kind, func.sum(JobRow.attempt - 1)).where(
        JobRow.attempt > 1, lately | JobRow.state.in_(("queued", "running"))
    )
    for kind, count in await session.execute(tries.group_by(JobRow.kind)):
        found.retries[kind] = count
    last_run = (
        select(func.max(JobEventRow.at))
        .where(JobEventRow.job_id == JobRow.id, JobEventRow.kind == "running")
        .scalar_subquery()
    )
    timed = select(JobRow.kind, JobRow.state, JobRow.updated_at, last_run).where(lately)
    for kind, state, end, began in await session.execute(timed.order_by(JobRow.updated_at.desc()).limit(MOST_TIMED)):
        found.ended[kind, state] += 1
        # A clock that was set back in between makes no negative time.
        if began is not None and began <= end:
            found.seconds.setdefault(kind, []).append((end - began).total_seconds())
    return found
