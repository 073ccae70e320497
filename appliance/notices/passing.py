"""Passes notices on, beside the worker: from the node's own rows to the plants, and away when their time is over."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Final

import structlog

from appliance.errors import OutpostError
from appliance.news import box
from appliance.store import Purpose, Store

LOOK_SECONDS: Final = 1.0

log = structlog.get_logger(__name__)


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Passing:
    """One per worker; several do no harm."""

    def __init__(self, store: Store, *, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._store, self._clock = store, clock

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.once()
            except OutpostError as error:
                log.warning("notices could not be passed on", code=error.code)
            except Exception as error:  # what one round meets must not end all others
                log.exception("notices could not be passed on", kind=type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def once(self) -> None:
        await box.relay(self._store)
        for tenant in await self._store.tenants():
            async with self._store.open_internal(Purpose.RELAY, tenant.id) as session:
                if not await box.waiting(session):
                    continue
            async with self._store.open_internal(Purpose.RELAY, tenant.id, write=True) as session:
                await box.take(session)
                await box.forget(session, self._clock())
