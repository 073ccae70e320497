"""What can go wrong with the record."""

from __future__ import annotations

from appliance.errors import (
    Conflict,
    Damaged,
    Forbidden,
    InvalidInput,
    NotFound,
    OutpostError,
    Unavailable,
    Unprocessable,
)


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


class MalformedWitnessKey(InvalidInput):
    """Something else was given than the key of a witness, or of a node that is witnessed."""

    code, title = "malformed-witness-key", "That is no such key"
    hint = "Copy it whole, as `outpost audit witness show` prints it on the other machine."


class MalformedSubmission(InvalidInput):
    """A witness was asked in another form than c2sp.org/tlog-witness has, or from a size beyond the checkpoint's."""

    code, title = "malformed-submission", "A witness cannot read that question"
    hint = "Send what `outpost audit witness request` wrote, unchanged."


class UnknownOrigin(NotFound):
    """A witness was asked about the log of a node that it does not watch."""

    code, title = "unknown-origin", "That log is not witnessed here"
    hint = "The owner of the witness adds the node: `outpost audit witness watch PUBLIC_KEY`."


class ForeignHead(Forbidden):
    """A checkpoint that a witness was given is not signed by the node whose log it names."""

    code, title = "foreign-head", "That checkpoint is not signed by its node"
    hint = "Nothing was cosigned. Find out who made this checkpoint."


class HeadConflict(Conflict):
    """A witness last cosigned the log at another size than it was told.

    Args:
        size: the one it cosigned last.
    """

    code, title = "head-conflict", "The witness knows another size of that log"
    hint = "Prove from the size that it names; if that is more than the log has, the log lost its end."

    def __init__(self, detail: str, *, size: int) -> None:
        super().__init__(detail, size=size)
        self.size = size


class HeadForked(HeadConflict):
    """A witness cosigned the log at this size with another root: the node has two histories."""

    code, title = "head-forked", "The log has two histories"
    hint = (
        "Keep both checkpoints: each is signed by the node, and together they prove it. Stop the node and find out why."
    )


class HeadNotConsistent(Unprocessable):
    """The proof does not show that the log still holds what a witness cosigned before."""

    code, title = "head-not-consistent", "The log no longer holds what was cosigned"
    hint = "Nothing was cosigned. Keep the question: its checkpoint is signed by the node."


class ForgedCosignature(Forbidden):
    """A cosignature carries the name of a witness and was not made by it over this checkpoint."""

    code, title = "forged-cosignature", "That cosignature does not count"
    hint = "Nothing was kept. Ask the witness again, and find out where this one came from."


class NotCosigned(InvalidInput):
    """No line of an answer is a cosignature of a witness that this node trusts."""

    code, title = "not-cosigned", "No trusted witness has signed that"
    hint = "Add the witness first: `outpost audit witness trust KEY`, with the key it printed."


class AnotherHistory(Damaged):
    """A checkpoint that this node signed once is not part of its log any more."""

    code, title = "another-history", "The log is not the one that was cosigned"
    hint = "Keep the file and stop the node; `outpost audit verify` says what can still be proven."


class RecordTooLong(Unprocessable):
    """A record is longer than a bundle of entries can hold (c2sp.org/tlog-tiles: 65,535 bytes)."""

    code, title = "record-too-long", "A record does not fit a bundle of entries"
    hint = "Export the log as .jsonl, which has no such limit."


class TooMuchForPaper(Unprocessable):
    """A text is too long for one QR code."""

    code, title = "too-much-for-paper", "That does not fit a QR code"
    hint = "Take the heads of one plant at a time, or keep the list as a file."
