"""Counters in the memory of one process, for a node, whose one process serves all requests.

Time is the process's own: it begins where the clock, or what was kept before, says, and then only grows, so that a clock
that is set changes nothing. `kept` is what a restart goes on from.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from appliance.limits import rules
from appliance.limits.rules import Counts, Key, Verdict, Window


class InProcess:
    """Args:
    clock: seconds since 1970, asked once.
    monotonic: seconds that only grow.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._monotonic = monotonic
        self._began, self._since = clock(), monotonic()
        self._counts: dict[Key, Counts] = {}
        self.changed = False
        """Whether anything was counted or reset since `kept` was last called."""

    @property
    def now(self) -> float:
        return self._began + self._monotonic() - self._since

    async def take(self, windows: Sequence[Window]) -> Verdict:
        # Nothing is awaited between looking and counting: that is what makes it atomic.
        verdict, after = rules.taken(windows, self._counts, self.now)
        self._counts |= after
        self.changed = self.changed or verdict.refused is None
        return verdict

    async def of_tenant(self, tenant: str) -> dict[Key, Counts]:
        return {key: counts for key, counts in self._living().items() if key.tenant == tenant}

    async def reset(self, tenant: str, subject: str | None) -> int:
        gone = [key for key in self._living() if key.tenant == tenant and subject in {None, key.subject}]
        for key in gone:
            del self._counts[key]
        self.changed = self.changed or bool(gone)
        return len(gone)

    def kept(self) -> dict[Key, Counts]:
        """All that counts now; the rest is forgotten."""
        self._counts = dict(self._living())
        self.changed = False
        return dict(self._counts)

    def go_on_from(self, counts: Mapping[Key, Counts], at: float) -> None:
        """Take up what another process had `kept` when its time was `at`; time does not go back behind it."""
        self._began = max(self._began, at)
        self._counts = dict(counts)

    def _living(self) -> dict[Key, Counts]:
        now = self.now
        alive = {key: rules.living(counts, key.seconds, now) for key, counts in self._counts.items()}
        return {key: counts for key, counts in alive.items() if counts}
