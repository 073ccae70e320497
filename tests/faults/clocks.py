"""A clock that can be set to any moment while the process runs, for all that asks `datetime` or `time` for the time."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime as _Real  # noqa: N812
from typing import Any, Final

from appliance.store import ids

_ns: Final = time.time_ns


class _Kind(type(_Real)):  # type: ignore[misc]
    def __instancecheck__(cls, one: object) -> bool:
        return isinstance(one, _Real)


class Clock:
    """Runs on from where it was set."""

    def __init__(self) -> None:
        self._ahead = dt.timedelta(0)

    def set(self, moment: dt.datetime) -> None:
        self._ahead = moment - _Real.now(dt.UTC)

    def now(self, zone: dt.tzinfo | None = None) -> dt.datetime:
        found = _Real.now(dt.UTC) + self._ahead
        return found.replace(tzinfo=None) if zone is None else found.astimezone(zone)

    def ns(self) -> int:
        return _ns() + self._ahead // dt.timedelta(microseconds=1) * 1000


@contextmanager
def wild_clock() -> Iterator[Clock]:
    """Within the block, everything reads this clock."""
    clock, newest = Clock(), ids._last

    class Wild(_Real, metaclass=_Kind):
        def __new__(cls, *arguments: Any, **named: Any) -> Any:
            return _Real(*arguments, **named)

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return clock.now(tz)

    dt.datetime = Wild  # type: ignore[misc]
    time.time_ns = clock.ns
    try:
        yield clock
    finally:
        dt.datetime = _Real  # type: ignore[misc]
        time.time_ns = _ns
        ids._last = newest  # or every id of the tests that follow would be of 2099
