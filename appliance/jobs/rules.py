"""When a job may run, how long it may be silent, and what becomes of it when it fails.

queued ──claim──> running ──> finished
  ^                  │  │
  └── retry, lost ───┘  ├──> failed
  │                     └──> cancelled
  └──────cancel──────────────> cancelled
"""

from __future__ import annotations

import datetime as dt
from typing import Final, Literal, get_args

ATTEMPTS: Final = 3
LEASE: Final = dt.timedelta(seconds=20)
"""A worker that has not been heard of for this long has lost its job."""
BEAT_SECONDS: Final = 5.0
FIRST_PAUSE: Final = dt.timedelta(seconds=1)
PRIORITY: Final = 5
"""Of 0 to 9; the highest is claimed first."""

Reason = Literal["worker-lost", "deadline", "gave-up", "refused"]
"""Why a job failed: its worker died with it each time; its time was over; it failed unforeseen each time; its work was
refused, and the error says why."""
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)

_MOVES: Final[dict[str, frozenset[str]]] = {
    "queued": frozenset({"running", "cancelled"}),
    "running": frozenset({"queued", "finished", "failed", "cancelled"}),
    "finished": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}


def may_move(old: str, new: str) -> bool:
    """Whether the state machine has an arrow from `old` to `new`."""
    return new in _MOVES[old]


def after_failure(attempt: int) -> Literal["queued", "failed"]:
    """What an unforeseen failure of the `attempt`-th run (from 1) leads to."""
    return "queued" if attempt < ATTEMPTS else "failed"


def is_over(deadline: dt.datetime | None, now: dt.datetime) -> bool:
    """Whether the time that a job was given has passed."""
    return deadline is not None and deadline <= now


def pause_before(attempt: int) -> dt.timedelta:
    """How long to wait before the run after the `attempt`-th: 1 s, 4 s, 16 s."""
    return FIRST_PAUSE * int(4 ** max(0, attempt - 1))
