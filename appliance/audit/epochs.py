"""Which epoch the record of a data directory is in: a number in the file `epoch`, 1 where there is none.

A restored directory begins a new one, so that its record goes on beside what was recorded after the backup, and not over it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from appliance.errors import Damaged
from appliance.store.files import write_durably

EPOCH_FILE: Final = "epoch"


class EpochDamaged(Damaged):
    """The file that says which epoch the record is in cannot be read."""

    code, title = "epoch-damaged", "The epoch of the record cannot be read"
    hint = (
        "Put the file `epoch` back from the last backup: a number alone. Without it records would be taken for others."
    )


def epoch_of(data: Path) -> int:
    """Raises EpochDamaged."""
    try:
        said = (data / EPOCH_FILE).read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return 1
    if not said.isdecimal() or not 1 <= int(said) <= 10**6:
        raise EpochDamaged("It is no number.")
    return int(said)


def begin_epoch(data: Path, number: int) -> None:
    """From the next start on; durable when it returns."""
    write_durably(data / EPOCH_FILE, f"{number}\n".encode())
