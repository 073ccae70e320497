"""A new master key in the place of the old one, all at once: every wrapped key with it, and no file of data touched.

    write NAME.next for each ── read them back ── write `switch` ── rename each ── remove the old master key ── remove `switch`
    └──────────── killed here: undone ──────────┘            └─────────────── killed here: finished ──────────────────┘

Whoever opens the directory next does the undoing or finishing (`settle`), under the lock of the keys. While any process
uses the keys there is no switch: it would go on wrapping new ones under a master key that is gone.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.store.errors import KeysInUse, WrongKey
from appliance.store.files import sync_directory, write_durably
from appliance.store.keeping import KEPT, KEY, MASTER, Kept
from appliance.store.keys import RECOVERY, Keyring, RecoveryCode, wrapped_for_recovery
from appliance.store.sealing import seal, unseal

SWITCH: Final = "switch"
NEXT: Final = ".next"
IN_USE: Final = "in-use"
GENERATIONS: Final = "generations.json"


@dataclass(frozen=True, slots=True)
class Generation:
    """Which secret of a purpose is in force: 0 is the first; `since` is when it took the place of the one before."""

    number: int
    since: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Switched:
    """The recovery code and the master key that are in force. Never shown by accident."""

    code: RecoveryCode
    master: bytes

    def __repr__(self) -> str:
        return "Switched(...)"


def use(directory: Path) -> int:
    """Mark the keys as in use for as long as the descriptor that is returned stays open."""
    handle = os.open(directory / IN_USE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(handle, fcntl.LOCK_SH)
    return handle


@contextmanager
def unused(directory: Path) -> Iterator[None]:
    """Hold the keys alone. The caller holds the lock that everybody takes before using them.

    Raises:
        KeysInUse: a process has them open.
    """
    handle = os.open(directory / IN_USE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KeysInUse("A process of this node has its keys open.") from None
        yield
    finally:
        os.close(handle)


def switch(directory: Path, old: bytes, keep: Callable[[bytes], Kept], signing: tuple[str, ...] = ()) -> Switched:
    """Make a new master key, wrap every key under it, keep it as `keep` says; `signing` secrets begin a new generation.

    The recovery code that is returned is the only one that opens the new key from now on.

    Raises:
        WrongKey: `old` does not open a key; nothing was changed.
        whatever `keep` raises: nothing was changed.
    """
    settle(directory)
    before = Keyring.load(directory, old)
    new = os.urandom(KEY)
    kept = keep(new)
    code, recovery = wrapped_for_recovery(new)
    names = before.names()
    for name in names:
        _write_next(directory, f"{name}.wrapped", seal(new, name, before.key(name)))
    _write_next(directory, f"{RECOVERY}.wrapped", recovery)
    _write_next(directory, kept.file, kept.content)
    if signing:
        _write_next(directory, GENERATIONS, _advanced(directory, signing))
    for name in names:
        if unseal(new, name, (directory / f"{name}.wrapped{NEXT}").read_bytes()) != before.key(name):
            raise WrongKey(f"The new wrapping of {name} does not read back.")
    write_durably(directory / SWITCH, kept.file.encode())
    settle(directory)
    return Switched(code, new)


def settle(directory: Path) -> None:
    """Finish a switch that had been decided, undo one that had not. The caller holds the lock of the keys."""
    # Whoever writes a key holds the lock too: a draft is what a kill has left.
    for draft in directory.glob(".*"):
        draft.unlink()
    try:
        kept = (directory / SWITCH).read_text(encoding="ascii")
    except FileNotFoundError:
        for path in directory.glob(f"*{NEXT}"):
            path.unlink()
        return
    for path in sorted(directory.glob(f"*{NEXT}")):
        path.replace(path.with_name(path.name.removesuffix(NEXT)))
    sync_directory(directory)
    (directory / (KEPT if kept == MASTER else MASTER)).unlink(missing_ok=True)
    sync_directory(directory)
    (directory / SWITCH).unlink()
    sync_directory(directory)


def generation(directory: Path, purpose: str) -> Generation:
    """Which secret of `purpose` is in force."""
    found = _generations(directory).get(purpose)
    if found is None:
        return Generation(0, None)
    return Generation(int(found["number"]), dt.datetime.fromisoformat(str(found["since"])))


def _generations(directory: Path) -> dict[str, dict[str, str | int]]:
    try:
        found: dict[str, dict[str, str | int]] = json.loads((directory / GENERATIONS).read_bytes())
    except FileNotFoundError:
        return {}
    return found


def _advanced(directory: Path, purposes: tuple[str, ...]) -> bytes:
    found, now = _generations(directory), dt.datetime.now(dt.UTC).isoformat()
    for purpose in purposes:
        found[purpose] = {"number": generation(directory, purpose).number + 1, "since": now}
    return json.dumps(found).encode()


def _write_next(directory: Path, name: str, content: bytes) -> None:
    write_durably(directory / f"{name}{NEXT}", content)
