"""What a job is to those who make it, run it and watch it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NewType, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from appliance.store import TenantId

JobId = NewType("JobId", UUID)
State = Literal["queued", "running", "finished", "failed", "cancelled"]
OPEN: frozenset[str] = frozenset({"queued", "running"})


class Owner(Protocol):
    """Whose job it is."""

    @property
    def id(self) -> UUID: ...


class Retry(Exception):
    """A handler asks to be run again later, because something it needs is down. Does not use up an attempt.

    Args:
        reason: in words for the person who waits.
        seconds: not before this long from now.
    """

    def __init__(self, reason: str, *, seconds: float = 2.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seconds = seconds


class Cancelled(Exception):
    """Somebody cancelled the job; raised by `RunningJob.progress` so that the handler can stop cleanly."""


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A claimed job, as its handler sees it.

    `asked_at` is when it was put into the queue. `attempt` counts from 1, also over restarts of the worker; `retries` counts the times that a handler asked for.
    """

    id: JobId
    tenant_id: TenantId
    kind: str
    payload: Mapping[str, Any]
    attempt: int
    owner_id: UUID
    report: Callable[[float, str], Awaitable[None]]
    retries: int = 0
    asked_at: dt.datetime | None = None

    async def progress(self, share: float, word: str) -> None:
        """Tell watchers how far the work is (0 to 1) and what it does.

        Raises:
            Cancelled: the job was cancelled; undo what is half done and let it pass.
        """
        await self.report(share, word)


Watch = Callable[[AsyncSession, Mapping[str, Any], State, str], Awaitable[None]]
"""Told `(session, payload, new state, reason)` inside the very transaction that moves a job, so that what the job is
about never shows another state than the job itself. Its subject may be gone by then; that is no error."""

Handler = Callable[[RunningJob], Awaitable[Mapping[str, Any] | None]]
"""Does the work and returns its result. It may be run again after a crash, so it must find what it has already done."""
