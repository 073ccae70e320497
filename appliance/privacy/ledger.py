"""Who was erased, in a file beside the backups and in none of them: a node that is restored from a backup of before forgets
them again.

    {"tenant": id, "person": id, "request": id}        one line each; no name
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from appliance.store.files import make_directory, sync_directory

LEDGER: Final = "erased.jsonl"


@dataclass(frozen=True, slots=True)
class Erased:
    tenant: str
    person: str
    request: str


def note(folder: Path, one: Erased) -> None:
    """Write it down durably, once. Blocking."""
    if one in noted(folder):
        return
    make_directory(folder)
    path = folder / LEDGER
    # A line that a power cut left half is ended, and passed over when it is read.
    line = json.dumps(asdict(one)) + "\n"
    half = path.exists() and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0
    with path.open("a", encoding="ascii") as written:
        written.write(("\n" if half else "") + line)
        written.flush()
        os.fsync(written.fileno())
    sync_directory(folder)


def noted(folder: Path) -> list[Erased]:
    """All that stand there; what is no whole line is passed over. Blocking."""
    path = folder / LEDGER
    if not path.exists():
        return []
    found = []
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        try:
            found.append(Erased(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return found


def carry(source: Path, target: Path) -> None:
    """What stands beside the backups that a node is restored from stands beside its own from here on. Blocking."""
    for one in noted(source):
        note(target, one)
