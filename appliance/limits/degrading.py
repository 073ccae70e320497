"""Counting goes on when the shared counters do not answer: each process then counts for itself, and says so.

A limit is there to keep an installation usable. Refusing everybody because nobody can be counted would do the opposite,
and letting everybody through would invite to break the counters first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from appliance.errors import OutpostError
from appliance.limits.in_process import InProcess
from appliance.limits.ports import Counters
from appliance.limits.rules import Counts, Key, Verdict, Window
from appliance.metrics import RATE_DEGRADED

PATIENCE: Final = 0.5
"""Seconds that a request waits to be counted."""
PAUSE: Final = 5.0
"""Seconds after which counters that did not answer are asked again."""

log = structlog.get_logger(__name__)


class Degrading:
    """`shared`, and `own` while that does not answer. What `own` counted is not added to `shared` afterwards."""

    def __init__(self, shared: Counters, own: InProcess, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._shared, self._own, self._monotonic = shared, own, monotonic
        self._ask_again: float | None = None

    @property
    def degraded(self) -> bool:
        return self._ask_again is not None

    async def take(self, windows: Sequence[Window]) -> Verdict:
        if self._ask_again is not None and self._monotonic() < self._ask_again:
            return await self._own.take(windows)
        try:
            async with asyncio.timeout(PATIENCE):
                verdict = await self._shared.take(windows)
        except (OutpostError, TimeoutError) as error:
            if not self.degraded:
                log.warning("limits are counted by each process", reason=getattr(error, "code", "timeout"))
            self._ask_again = self._monotonic() + PAUSE
            RATE_DEGRADED.set(1)
            return await self._own.take(windows)
        if self.degraded:
            log.info("limits are counted together again")
            self._ask_again = None
            RATE_DEGRADED.set(0)
        return verdict

    async def of_tenant(self, tenant: str) -> dict[Key, Counts]:
        return await (self._own if self.degraded else self._shared).of_tenant(tenant)

    async def reset(self, tenant: str, subject: str | None) -> int:
        own = await self._own.reset(tenant, subject)
        return own if self.degraded else await self._shared.reset(tenant, subject)
