"""Which processes of this data directory are alive.

    <run>/instances/<uuid>.lock     held by flock for as long as its process lives; the kernel lets go when it dies

A pre-record without its post-record belongs to such an instance; only when its lock is free may another close it.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from pathlib import Path


class Instance:
    """This process, from its start to its end.

    Args:
        run: the run directory shared by all processes of a node.
    """

    def __init__(self, run: Path) -> None:
        self.id = str(uuid.uuid4())
        self._directory = run / "instances"
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Locked before it gets its name, so that nobody finds it unlocked while it is being made.
        draft = self._directory / f".{self.id}"
        self._handle: int | None = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        self._path = draft.rename(self._directory / f"{self.id}.lock")

    def is_alive(self, instance: str) -> bool:
        """Whether that process still runs; a lock file that is gone was left by one that ended."""
        if instance == self.id:
            return self._handle is not None
        try:
            handle = os.open(self._directory / f"{instance}.lock", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False

    def sweep(self) -> None:
        """Remove the lock files of processes that have ended."""
        for path in self._directory.glob("*.lock"):
            if not self.is_alive(path.stem):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go: from now on this process counts as ended."""
        if self._handle is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._handle)
            self._handle = None
