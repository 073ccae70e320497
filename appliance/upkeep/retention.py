"""How long records are kept, and that what a hold names is kept for longer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

from appliance.audit import Recorder
from appliance.audit.purging import SEGMENTS, Old, purge, reach, steady
from appliance.holds import in_force
from appliance.holds.rules import Fact, Hold, keeps
from appliance.store import Purpose, Store, TenantId
from appliance.upkeep.errors import ClockJumped, TooYoung

DAYS: Final = 2557
"""Seven years."""


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Retention:
    """Args:
    days: how long records are kept, at least 30.
    """

    def __init__(
        self, store: Store, recorder: Recorder, *, days: int = DAYS, clock: Callable[[], dt.datetime] = utc_now
    ) -> None:
        self._store, self._recorder, self._keep, self._clock = store, recorder, dt.timedelta(days=days), clock

    async def run(self, tenant_id: TenantId, *, before: dt.datetime | None, dry_run: bool) -> dict[str, Any]:
        """Remove the records of a tenant that were made before `before` (before the time of retention, for None), as far as
        no hold names one. Returns how many went (would go), from which record on the log is kept, and what kept it.

        Raises:
            TooYoung: `before` is within the time of retention.
            ClockJumped: the record shows a year without any record, so that nothing is told by the clock.
        """
        latest = self._clock() - self._keep
        if before is not None and before > latest:
            raise TooYoung(f"Records are kept for {self._keep.days} days.")
        cutoff = before or latest
        if not await steady(self._store, tenant_id, self._recorder.epoch):
            raise ClockJumped("Between two records of the log lies more than a year.")
        if dry_run:
            async with self._store.open_internal(Purpose.VERIFY, tenant_id) as session:
                held = await in_force(session)
            found = await reach(self._store, tenant_id, before=cutoff, keeps=_keeps(held), epoch=self._recorder.epoch)
            return _told(found.end - found.floor, found.end, found.kept, cutoff)
        gone = 0
        while True:
            # While this session is open, nobody sets a hold: what is looked at is what is removed.
            async with self._store.open_internal(Purpose.RECORD, tenant_id, write=True) as session:
                held = await in_force(session)
                found = await reach(
                    self._store, tenant_id, before=cutoff, keeps=_keeps(held), epoch=self._recorder.epoch, most=SEGMENTS
                )
                if found.end == found.floor:
                    return _told(gone, found.floor, found.kept, cutoff)
                gone += await purge(self._recorder, tenant_id, found.end, before=cutoff, now=self._clock())


def _keeps(holds: list[Hold]) -> Callable[[Old], bool]:
    return lambda old: keeps(holds, Fact(old.at, old.user_id, old.correlation_id, old.record))


def _told(records: int, floor: int, kept: int | None, cutoff: dt.datetime) -> dict[str, Any]:
    return {"records": records, "kept_from": floor, "held_by_record": kept, "before": cutoff.isoformat()}
