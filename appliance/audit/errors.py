"""What can go wrong with the record."""

from __future__ import annotations

from appliance.errors import Damaged, NotFound, OutpostError, Unavailable


class RecordUnavailable(Unavailable):
    """A record could not be made durable, so nothing was begun, or no result was given out."""

    code, title = "record-unavailable", "The audit record cannot be written"
    hint = "Check the free space of the data directory. Look whether a change is there before making it again."


class RecordDamaged(Damaged):
    """The file of the record cannot be read as it was written."""

    code, title, exit_code = "record-damaged", "The audit record is damaged", 31
    hint = "Stop the node and keep the disk as it is; `outpost audit verify` says what can still be proven."


class UnknownLog(NotFound):
    """No log of that name stands in this record."""

    code, title = "unknown-log", "No such log"
    hint = "Use `node` or the identifier of a tenant of this node."


class NoSuchRecord(NotFound):
    """No record has that id, or it is not for this reader; which of these is not told."""

    code, title = "no-such-record", "That record is not there"
    hint = "Take its id from the list of records."


class Unrecordable(OutpostError):
    """A caller gave a value that has no canonical JSON form; a mistake of ours, never of a person."""

    code, title = "unrecordable", "A value cannot be recorded"
    hint = "This is a fault in the appliance; please report it."


class MalformedNote(Damaged):
    """A checkpoint is not a signed note, or its signature is not this log's."""

    code, title = "malformed-note", "A checkpoint cannot be read"
    hint = "Use a checkpoint exactly as it was printed or saved, with its last empty line."
