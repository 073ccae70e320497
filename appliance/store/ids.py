"""Identifiers: UUIDv7, made by us, because an insert-only grant forbids RETURNING."""

from __future__ import annotations

import os
import threading
import time
import uuid
from typing import NewType

TenantId = NewType("TenantId", uuid.UUID)
"""One plant's data: its file on a node, its rows on a hub."""

_RANDOM_BITS = 74
_STEP_BITS = 39
_STEP = (1 << 32) - 1
_DRAWN = (_RANDOM_BITS - 1 + _STEP_BITS) // 8
"""Bytes at random for one id: 73 bits of its own, and those of a step."""
_lock = threading.Lock()
_last = 0  # milliseconds and random part of the newest id, as one number


def new_id() -> uuid.UUID:
    """Make a UUIDv7 (RFC 9562, 5.7): later calls of one process give greater ids, also when the clock steps back.

    Ids of several processes interleave, so nothing may be ordered by id alone.
    """
    global _last
    milliseconds = time.time_ns() // 1_000_000
    drawn = int.from_bytes(os.urandom(_DRAWN))
    with _lock:
        # A step of a random size keeps the next id hard to guess within one millisecond (RFC 9562, 6.2, method 2).
        _last = max(milliseconds << _RANDOM_BITS | drawn >> _STEP_BITS, _last + 1 + (drawn & _STEP))
        value = _last
    stamp, random = value >> _RANDOM_BITS, value & ((1 << _RANDOM_BITS) - 1)
    high, low = random >> 62, random & ((1 << 62) - 1)
    return uuid.UUID(int=(stamp & ((1 << 48) - 1)) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
