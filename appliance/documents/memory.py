"""What a long document took of memory, given back to the system when it is done."""

from __future__ import annotations

import ctypes
import gc

_libc = ctypes.CDLL(None)


def give_memory_back() -> None:
    """Free what is unreachable, and return free pages to the system where the C library can (glibc)."""
    gc.collect()
    if hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)
