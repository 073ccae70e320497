"""Which backups are kept. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Iterable
from typing import Final

DAILY: Final = 7
WEEKLY: Final = 4
STAMP: Final = "%Y-%m-%dT%H%M%SZ"
"""How a backup is named: by the moment it shows, in UTC."""


def named(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime(STAMP)


def moment_of(name: str) -> dt.datetime | None:
    """When the backup of this name was made; None where the name is none of a backup."""
    try:
        found = dt.datetime.strptime(name, STAMP).replace(tzinfo=dt.UTC)
    except ValueError:
        return None
    return found if named(found) == name else None


def kept(moments: Iterable[dt.datetime], *, daily: int = DAILY, weekly: int = WEEKLY) -> set[dt.datetime]:
    """Of these backups, the newest of each of the last `daily` days that have one, and of the last `weekly` weeks.

    The newest of all is always kept.
    """
    newest = sorted(moments, reverse=True)
    days = _first_of(newest, daily, lambda one: one.date())
    weeks = _first_of(newest, weekly, lambda one: one.isocalendar()[:2])
    return {*newest[:1], *days, *weeks}


def _first_of(newest: list[dt.datetime], most: int, span: Callable[[dt.datetime], Hashable]) -> list[dt.datetime]:
    found: dict[Hashable, dt.datetime] = {}
    for one in newest:
        found.setdefault(span(one), one)
    return list(found.values())[:most]
