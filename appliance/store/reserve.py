"""Room that is kept for the record and for reading, so that a disk filled up by others does not silence the node.

<data>/reserve      32 MiB, on a small disk a sixteenth of it; given up in pieces of 4 MiB (an eighth) while the disk
                    is full, and taken back when more than a tenth of the disk is free
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from pathlib import Path
from typing import Final

import structlog

NAME: Final = "reserve"
MOST: Final = 32 * 2**20
PIECES: Final = 8
LOOK_SECONDS: Final = 0.5

log = structlog.get_logger(__name__)


def whole(total: int) -> int:
    """How much is kept on a disk of `total` bytes."""
    return min(MOST, total // 16)


def wanted(held: int, *, free: int, total: int) -> int:
    """How much to keep from now on, when so much is held and so much is free besides. Bytes."""
    size = whole(total)
    piece = size // PIECES
    if free < piece // 2:
        return max(0, held - piece)
    if held < size and free - (size - held) > total // 10:
        return size
    return held


class Reserve:
    """One per node. Where the disk cannot set room aside, nothing is kept."""

    def __init__(self, data: Path) -> None:
        self._path = data / NAME

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with contextlib.suppress(OSError):
                self.tend()
            await asyncio.sleep(LOOK_SECONDS)

    def tend(self) -> None:
        """Look once, and give or take what is due. Raises OSError."""
        usage = shutil.disk_usage(self._path.parent)
        held = self._path.stat().st_size if self._path.exists() else 0
        due = wanted(held, free=usage.free, total=usage.total)
        if due == held:
            return
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if due < held:
                os.ftruncate(handle, due)
                log.warning("the disk is full; room that was kept is given up", left=due)
            else:
                os.posix_fallocate(handle, 0, due)
        finally:
            os.close(handle)
