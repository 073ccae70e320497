"""When cards are made without being asked for: at night, once, where a chat model is in force."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import structlog

from appliance.cards.service import CARDS, HOURS
from appliance.documents.settling import library_worker
from appliance.errors import OutpostError
from appliance.jobs import enqueue
from appliance.policy import Resource

if TYPE_CHECKING:
    from appliance.gate import Gate
    from appliance.store import Store

BEGINS: Final = 1
"""O'clock, by the node's own time."""
LOOK_SECONDS: Final = 300.0

log = structlog.get_logger(__name__)


def night(now: dt.datetime) -> dt.datetime | None:
    """When the night that `now` (in local time) falls into ends; None by day."""
    begins = now.replace(hour=BEGINS, minute=0, second=0, microsecond=0)
    ends = begins + dt.timedelta(hours=HOURS)
    return ends if begins <= now < ends else None


class Nights:
    """Args:
    can_write: whether a chat model is in force.
    """

    def __init__(
        self,
        store: Store,
        gate: Gate,
        can_write: Callable[[], Awaitable[bool]],
        *,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now().astimezone(),
    ) -> None:
        self._store, self._gate, self._can_write, self._clock = store, gate, can_write, clock
        self._planned: set[str] = set()

    async def run(self) -> None:
        """Look every few minutes, until cancelled."""
        while True:
            try:
                await self.look()
            except OutpostError as error:
                log.warning("the night's cards could not be planned", code=error.code)
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """At night, put one job for each tenant into its queue; the same night never twice."""
        ends = night(self._clock())
        if ends is None or not await self._can_write():
            return
        for tenant in await self._store.tenants():
            key = f"{CARDS}:{ends.date().isoformat()}"
            if not tenant.is_active or f"{tenant.id} {key}" in self._planned:
                continue
            principal = library_worker(tenant.id)
            async with (
                self._gate.admit(principal, "jobs.create", Resource("job")) as admitted,
                self._store.open_session(admitted, write=True) as session,
            ):
                job = await enqueue(
                    session, kind=CARDS, payload={"until": ends.isoformat()}, owner=principal, idempotency_key=key
                )
                admitted.outcome.resource_id = str(job)
            self._planned.add(f"{tenant.id} {key}")
