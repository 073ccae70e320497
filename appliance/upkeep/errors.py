"""What can be wrong with the database, and with a request about its upkeep."""

from __future__ import annotations

from appliance.errors import Conflict, Damaged, InvalidInput, NotFound


class UnknownSchedule(NotFound):
    """No schedule has that name."""

    code, title = "unknown-schedule", "There is no such schedule"
    hint = "`outpost schedule list` shows those that there are."


class CheckFailed(Damaged):
    """A check of the database found what is not as it was written."""

    code, title = "check-failed", "The database is not as it was written"
    hint = "Stop the node, keep the disk, and restore the last backup."


class TooYoung(InvalidInput):
    """A purge was asked for of records that have to be kept."""

    code, title = "too-young", "These records have to be kept"
    hint = "Give an earlier moment; `record_retention_days` says how long records are kept."


class ClockJumped(Conflict):
    """The moments of the record have a gap that no node in use leaves, so nothing is purged by them."""

    code, title = "clock-jumped", "The clock cannot be trusted with this"
    hint = "Set the clock right. Records that were made under a wrong clock are kept."
