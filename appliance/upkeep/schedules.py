"""What is done by itself, and when; by the node's own time. Pure: what was due is told from the clock alone.

A run that fell due while the node was off is made up for once, at the next start; a clock that is set back makes none
twice, because a run is named by the moment it was due.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from apscheduler.triggers.cron import CronTrigger

from appliance.upkeep import types


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job that is put into each tenant's queue at the moments of `trigger`, which are at most `apart` apart."""

    name: str
    type: str
    says: str
    trigger: CronTrigger
    apart: dt.timedelta

    def prefix(self) -> str:
        """What the keys of all its jobs begin with."""
        return f"schedule:{self.name}:"

    def key(self, due: dt.datetime) -> str:
        """The key of the job that was due then: there is one."""
        return self.prefix() + due.astimezone(dt.UTC).isoformat()

    def next_after(self, now: dt.datetime) -> dt.datetime | None:
        found: dt.datetime | None = self.trigger.get_next_fire_time(None, now)
        return found

    def latest_due(self, now: dt.datetime) -> dt.datetime | None:
        """The last of its moments up to `now`."""
        due, moment = None, self.next_after(now - self.apart)
        while moment is not None and moment <= now:
            due = moment
            moment = self.next_after(moment + dt.timedelta(seconds=1))
        return due


def _daily(name: str, job: str, says: str, **at: int | str) -> Schedule:
    apart = dt.timedelta(days=33 if "day" in at else 8 if "day_of_week" in at else 2)
    return Schedule(name, job, says, CronTrigger(**at), apart)


SCHEDULES: Final = {
    one.name: one
    for one in (
        Schedule(
            "health",
            types.HEALTH,
            "every 15 minutes: models and providers",
            CronTrigger(minute="*/15"),
            dt.timedelta(hours=1),
        ),
        Schedule(
            "approvals",
            types.OVERDUE,
            "every 15 minutes: requests that nobody answers",
            CronTrigger(minute="*/15"),
            dt.timedelta(hours=1),
        ),
        _daily("backup", types.BACKUP, "every night at 1:15: a backup of everything", hour=1, minute=15),
        _daily("cleanup", types.CLEANUP, "every night at 2:30: old jobs", hour=2, minute=30),
        _daily("optimize", types.OPTIMIZE, "every night at 3:15: indexes", hour=3, minute=15),
        _daily("index", types.REINDEX, "on the first of each month at 5:00: text and vector index", day=1, hour=5),
        _daily(
            "retention", types.PURGE, "on Sundays at 5:00: records older than they are kept", day_of_week="sun", hour=5
        ),
        _daily("check", types.CHECK, "on Sundays at 4:00: every page of the database", day_of_week="sun", hour=4),
    )
}
