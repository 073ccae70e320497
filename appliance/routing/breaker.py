"""A circuit breaker, pure: after some failures in a row nobody is sent to a server that is down.

    closed ── `failures` in a row ──> open ── `pause` seconds ──> half-open ─┬─ success ──> closed
                                       └──────────── failure ───────────────┘

The pause doubles with each failure of a half-open one, up to `longest`. Release It! (Nygard, 2007) describes the pattern.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

BreakerState = Literal["closed", "open", "half-open"]


@dataclass(frozen=True, slots=True)
class Breaker:
    """`until` is when an open one lets the next through, in the seconds of the clock that the caller uses."""

    failures: int = 3
    pause: float = 2.0
    longest: float = 60.0
    failed: int = 0
    opened: int = 0
    until: float = 0.0
    trying: bool = False

    def state(self, now: float) -> BreakerState:
        if not self.opened:
            return "closed"
        return "half-open" if now >= self.until else "open"

    def lets_through(self, now: float) -> bool:
        """A half-open one lets one through at a time."""
        return self.state(now) == "closed" or (self.state(now) == "half-open" and not self.trying)

    def sent(self, now: float) -> Breaker:
        """Somebody was let through."""
        return replace(self, trying=self.state(now) == "half-open")

    def succeeded(self) -> Breaker:
        return replace(self, failed=0, opened=0, until=0.0, trying=False)

    def failed_at(self, now: float) -> Breaker:
        failed = self.failed + 1
        if not self.opened and failed < self.failures:
            return replace(self, failed=failed, trying=False)
        pause = min(self.longest, self.pause * 2**self.opened)
        return replace(self, failed=failed, opened=self.opened + 1, until=now + pause, trying=False)

    def seen_up(self, now: float) -> Breaker:
        """It was seen to answer: if it is open, the next is let through without waiting for the pause to end."""
        return replace(self, until=min(self.until, now))

    def left(self) -> Breaker:
        """Who was let through went away before it could be told whether the server works."""
        return replace(self, trying=False)
