"""Where a start gets the master key from: its parent, a descriptor, systemd, or a person at the terminal.

    outpost run ── reads it once, in whatever mode it is kept ──> memory that is no file (memfd_create(2))
                                                                       └── inherited by `web`, `worker`, `init`, and no other

Never an argument, never a variable: both are read by others. The variable names a descriptor, which only a child has.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from functools import partial
from getpass import getpass
from pathlib import Path
from typing import Final

from appliance.store.errors import PassphraseNeeded
from appliance.store.files import locked
from appliance.store.keeping import KEPT, KEY, read_master, volume_file
from appliance.store.switching import SWITCH, settle

HANDED: Final = "MASTER_KEY_FD"
"""Not a setting of ours to be given by hand, so it has not their prefix."""
CREDENTIALS: Final = "CREDENTIALS_DIRECTORY"
"""Set by systemd for a unit with LoadCredential= (systemd.exec(5))."""
CREDENTIAL: Final = "outpost-passphrase"
LONGEST: Final = 1024
"""Bytes of a passphrase."""


def unlock(directory: Path, descriptor: int | None = None) -> bytes:
    """The master key in `directory`; what our parent has handed down is taken once.

    Raises:
        PassphraseNeeded, WrongPassphrase, KeyVolumeMissing, NoTpm, MasterKeyMissing, WrongKey.
    """
    handed = os.environ.pop(HANDED, "")
    if handed.isdigit():
        with os.fdopen(int(handed), "rb") as memory:
            # The position is shared by all who have inherited it.
            return os.pread(memory.fileno(), KEY, 0)
    return read_master(directory, partial(ask, descriptor))


def ask(descriptor: int | None = None, prompt: str = "passphrase: ") -> str:
    """The first line of `descriptor`, else systemd's credential, else what a person types.

    Raises:
        PassphraseNeeded: there is none of these.
    """
    if descriptor is not None:
        try:
            with os.fdopen(descriptor, "rb") as given:
                return _line(given.readline(LONGEST))
        except OSError as error:
            raise PassphraseNeeded(f"Descriptor {descriptor} cannot be read ({error.strerror}).") from None
    if folder := os.environ.get(CREDENTIALS):
        with contextlib.suppress(FileNotFoundError):
            return _line((Path(folder) / CREDENTIAL).read_bytes()[:LONGEST])
    if not sys.stdin.isatty():
        raise PassphraseNeeded("The master key is kept under a passphrase, and nobody is here to be asked for it.")
    return typed(prompt)


def typed(prompt: str) -> str:
    """What somebody types unseen, or the next line of standard input where nobody sits there. Ctrl-C ends the command."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    # An event loop takes the signal for later, and there is no later while it waits here.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return getpass(prompt)
    finally:
        signal.signal(signal.SIGINT, before)


async def settled(directory: Path) -> bool:
    """Finish what a kill has left half done; whether there is more to opening the master key than reading a file."""
    if (directory / SWITCH).exists():
        async with locked(directory / "lock"):
            settle(directory)
    return (directory / KEPT).exists()


def waiting_for(directory: Path) -> str | None:
    """What must be plugged in before the key can be read; None if nothing is missing."""
    path = volume_file(directory)
    return None if path is None or path.exists() else str(path)


def in_memory(master: bytes) -> int:
    """A descriptor that gives `master` to children that inherit it."""
    memory = os.memfd_create("outpost-key")
    os.write(memory, master)
    return memory


def _line(raw: bytes) -> str:
    try:
        return raw.partition(b"\n")[0].rstrip(b"\r").decode()
    except UnicodeDecodeError:
        raise PassphraseNeeded("The passphrase that was given is not text.") from None
