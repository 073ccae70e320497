"""What can be wrong with the database, and with a request about its upkeep."""

from __future__ import annotations

from appliance.errors import Damaged, NotFound


class UnknownSchedule(NotFound):
    """No schedule has that name."""

    code, title = "unknown-schedule", "There is no such schedule"
    hint = "`outpost schedule list` shows those that there are."


class CheckFailed(Damaged):
    """A check of the database found what is not as it was written."""

    code, title = "check-failed", "The database is not as it was written"
    hint = "Stop the node, keep the disk, and restore the last backup."
