"""All files of a node as they were at one moment, copied while it runs.

    write lock on each file, the record last ── read the head file ── a reader on each ── locks released
        └── milliseconds in which nobody writes                          └── SQLite's backup API, for as long as it takes

The record is locked last because who holds the lock of a tenant may be waiting for it; nobody waits the other way round.
A copy is encrypted under the same key as its original.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlcipher3 import dbapi2 as sqlcipher

from appliance.store.engines import connect
from appliance.store.errors import BackupUnsound, StoreBusy, StoreFull
from appliance.store.files import make_directory, sync_directory

PATIENCE: Final = "PRAGMA busy_timeout = 2000"
"""Milliseconds: others wait for 5 seconds, and must not wait for us in vain."""
PAGES: Final = 2048
"""Copied in one step."""


@dataclass(frozen=True, slots=True)
class Copied:
    """One database file, its raw key, and where its copy goes."""

    source: Path
    key: bytes
    target: Path


def copy_files(files: Sequence[Copied], still: Callable[[], None]) -> None:
    """Copy all `files` as of one moment; `still` is called at that moment, while none of them can be written to.

    Blocking: call it in a thread.

    Raises:
        StoreBusy: a file was being written to for two seconds; nothing was copied.
        StoreFull: the copies do not fit.
    """
    try:
        with contextlib.ExitStack() as stack:
            readers = [stack.enter_context(contextlib.closing(connect(one.source, one.key))) for one in files]
            with contextlib.ExitStack() as locks:
                for one in files:
                    writer = locks.enter_context(contextlib.closing(connect(one.source, one.key)))
                    writer.execute(PATIENCE)
                    writer.execute("BEGIN IMMEDIATE")
                still()
                for reader in readers:
                    reader.execute("BEGIN")
                    # A transaction has its snapshot from its first read on.
                    reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
            for one, reader in zip(files, readers, strict=True):
                _copy(one, reader)
    except sqlcipher.OperationalError as error:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise StoreBusy("The data was being written to all the time.") from error
        if name.startswith("SQLITE_FULL"):
            raise StoreFull("The copy does not fit on the disk.", hint="Free space where backups are kept.") from error
        raise


def _copy(one: Copied, reader: object) -> None:
    make_directory(one.target.parent)
    os.close(os.open(one.target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with contextlib.closing(connect(one.target, one.key)) as copy:
        reader.backup(copy, pages=PAGES)  # type: ignore[attr-defined]  # a connection of sqlcipher3
    with one.target.open("rb") as written:
        os.fsync(written.fileno())
    sync_directory(one.target.parent)


def check_file(path: Path, key: bytes) -> None:
    """Read every page of a copy and every row against the others. Blocking.

    Raises:
        BackupUnsound: something is not as it was written.
        StoreDamaged: it does not open with its key.
    """
    with contextlib.closing(connect(path, key)) as copy:
        found = [
            *(str(row[0]) for row in copy.execute("PRAGMA cipher_integrity_check")),
            *(str(row[0]) for row in copy.execute("PRAGMA integrity_check(5)") if row[0] != "ok"),
            *(f"a row of {row[0]} refers to nothing" for row in copy.execute("PRAGMA foreign_key_check")),
        ]
    if found:
        raise BackupUnsound(f"{path.name}: {found[0]}.")
