"""Identifiers: UUIDv7, made by us, because an insert-only grant forbids RETURNING."""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from typing import NewType

TenantId = NewType("TenantId", uuid.UUID)
"""One plant's data: its file on a node, its rows on a hub."""

_RANDOM_BITS = 74
_lock = threading.Lock()
_last = 0  # milliseconds and random part of the newest id, as one number


def new_id() -> uuid.UUID:
    """Make a UUIDv7 (RFC 9562, 5.7): later calls of one process give greater ids, also when the clock steps back.

    Ids of several processes interleave, so nothing may be ordered by id alone.
    """
    global _last
    milliseconds = time.time_ns() // 1_000_000
    with _lock:
        # A step of a random size keeps the next id hard to guess within one millisecond (RFC 9562, 6.2, method 2).
        _last = max(milliseconds << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS - 1), _last + 1 + secrets.randbits(32))
        value = _last
    stamp, random = value >> _RANDOM_BITS, value & ((1 << _RANDOM_BITS) - 1)
    high, low = random >> 62, random & ((1 << 62) - 1)
    return uuid.UUID(int=(stamp & ((1 << 48) - 1)) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
