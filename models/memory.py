"""Giving freed memory back to the system, which glibc does not do by itself: some 30 MB here."""

import asyncio
import ctypes
from collections.abc import Callable

QUIET_SECONDS = 0.5
_M_ARENA_MAX = -8
"""From glibc's malloc.h."""


def one_arena() -> None:
    """Let all threads allocate from the main arena: the others never give back the free space at their end.

    To be called before any thread starts. Does nothing where the C library has no `mallopt`.
    """
    tune = getattr(ctypes.CDLL(None), "mallopt", None)
    if tune is not None:
        tune(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Return the allocator's free pages; a few milliseconds. Does nothing where the C library has no `malloc_trim`."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


class Quiet:
    """Calls `then` once no work has ended for `seconds`: by then the answers have left the process too."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, then: Callable[[], None] = give_back, seconds: float = QUIET_SECONDS
    ) -> None:
        self._loop, self._then, self._seconds = loop, then, seconds
        self._timer: asyncio.TimerHandle | None = None

    def worked(self) -> None:
        """Work has just ended; from any thread."""
        self._loop.call_soon_threadsafe(self._restart)

    def _restart(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(self._seconds, self._then)
