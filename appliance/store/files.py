"""Small files that survive a power cut, and the lock between processes of one data directory."""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from appliance.store.errors import StoreBusy


def sync_directory(directory: Path) -> None:
    """Make the names in `directory` durable; a file's own fsync does not cover its name."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_directory(directory: Path) -> None:
    """Create `directory` and what is missing above it, for the owner alone (0700), durably."""
    if directory.is_dir():
        return
    make_directory(directory.parent)
    directory.mkdir(mode=0o700, exist_ok=True)
    sync_directory(directory.parent)


def write_durably(path: Path, content: bytes) -> None:
    """Replace `path` with `content` (0600): after a power cut it holds the old content or the new, never a mix."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


@asynccontextmanager
async def locked(path: Path, *, patience_s: float = 60.0) -> AsyncIterator[None]:
    """Hold the file lock `path` against every other process and task.

    Raises:
        StoreBusy: somebody else held it for `patience_s` seconds.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        waited = 0.0
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                # Polled, not awaited in a thread: a cancelled thread would still take the lock and keep it.
                if waited >= patience_s:
                    raise StoreBusy(f"Another process has held {path.name} for {patience_s:.0f} seconds.") from None
                await asyncio.sleep(0.02)
                waited += 0.02
        yield
    finally:
        os.close(handle)
