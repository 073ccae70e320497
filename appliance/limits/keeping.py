"""What a node has counted, kept in control.db so that a restart begins where it was.

Written at most once in `EVERY` seconds and at an orderly end: a node that is killed forgets the requests since.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

import structlog

from appliance.errors import OutpostError
from appliance.limits import store as queries
from appliance.limits.in_process import InProcess
from appliance.store import CONTROL, Purpose, Store

EVERY: Final = 5.0

log = structlog.get_logger(__name__)


class Keeping:
    def __init__(self, store: Store, counters: InProcess) -> None:
        self._store, self._counters = store, counters
        self._task: asyncio.Task[None] | None = None
        self.failed = False
        """Whether the last attempt to write came to nothing."""

    async def start(self) -> None:
        async with self._store.open_internal(Purpose.LIMITS, CONTROL) as session:
            counts, at = await queries.everything(session)
        self._counters.go_on_from(counts, at)
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.keep()

    async def keep(self) -> None:
        """Write what has changed since the last time; a failure is said and tried again."""
        if not (self._counters.changed or self.failed):
            return
        counts, at = self._counters.kept(), self._counters.now
        try:
            async with self._store.open_internal(Purpose.LIMITS, CONTROL, write=True) as session:
                await queries.replace(session, counts, at)
        except OutpostError as error:
            if not self.failed:
                log.warning("limits cannot be kept for a restart", reason=error.code)
            self.failed = True
            return
        self.failed = False

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self.keep()
