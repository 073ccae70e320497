"""How many failed attempts one address has before it must wait.

The lock on an account protects one person; this protects the node: each attempt costs 60 ms of a core and a durable
record, so it is asked before either. It lives in the process and forgets at a restart.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from appliance.identity.errors import TooManyAttempts

ADDRESSES: Final = 4096


class Attempts:
    """A bucket of attempts per address, refilled at a steady rate; an attempt that succeeds is given back.

    Args:
        burst: attempts at once.
        per_minute: attempts regained in a minute.
        monotonic: seconds that only grow.
    """

    def __init__(
        self, *, burst: int = 20, per_minute: float = 20, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst = burst
        self._rate = per_minute / 60
        self._monotonic = monotonic
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str) -> None:
        """Count one attempt. Raises TooManyAttempts if the address has none left."""
        left = self._now(address)
        if left < 1:
            raise TooManyAttempts(math.ceil((1 - left) / self._rate))
        self._set(address, left - 1)

    def give_back(self, address: str) -> None:
        """The attempt was a right one."""
        self._set(address, min(self._burst, self._now(address) + 1))

    def _now(self, address: str) -> float:
        left, since = self._left.get(address, (float(self._burst), self._monotonic()))
        return min(self._burst, left + (self._monotonic() - since) * self._rate)

    def _set(self, address: str, left: float) -> None:
        self._left[address] = (left, self._monotonic())
        self._left.move_to_end(address)
        while len(self._left) > ADDRESSES:
            self._left.popitem(last=False)
