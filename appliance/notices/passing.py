"""Passes notices on, beside the worker: from the node's own rows to the plants, and away when their time is over."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.errors import OutpostError
from appliance.news import box
from appliance.notices import mailing
from appliance.notices import store as queries
from appliance.store import Purpose, Store, TenantId

LOOK_SECONDS: Final = 1.0
REVIVE_ROUNDS: Final = 600

log = structlog.get_logger(__name__)


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Passing:
    """One per worker; several do no harm.

    Args:
        mail: whether the owner of the box has named a mail server.
    """

    def __init__(self, store: Store, *, mail: bool = False, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._store, self._mail, self._clock = store, mail, clock

    async def run(self) -> None:
        """Until cancelled."""
        rounds = 0
        while True:
            try:
                await self.once()
                rounds += 1
                if rounds % REVIVE_ROUNDS == 0:
                    await self.revive()
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
                await self._spread(session, tenant.id)
                await box.forget(session, self._clock())
                await queries.forget(session, self._clock())

    async def _spread(self, session: AsyncSession, tenant_id: TenantId) -> None:
        """Each webhook gets its copy in the transaction that says that it has."""
        every = [row for row in await queries.webhooks(session) if row.enabled]
        taken = await box.take(session)
        if self._mail:
            await mailing.spread(session, tenant_id, taken)
        for notice in taken:
            for row in every:
                if notice.kind in row.kinds:
                    held = await queries.find(session, row.id, to_change=True)
                    if held is not None:
                        data = {"notice": str(notice.id), **notice.params}
                        await queries.put(session, tenant_id, held, notice.kind, data, notice.at)

    async def revive(self) -> None:
        """Give what waits a job again, should its own have been lost; once an hour for a webhook."""
        for tenant in await self._store.tenants():
            async with self._store.open_internal(Purpose.RELAY, tenant.id, write=True) as session:
                for row in await queries.webhooks(session):
                    if row.enabled and await queries.waiting(session, row.id):
                        key = f"revived:{row.id}:{self._clock():%Y%m%d%H}"
                        await queries.have_sent(session, tenant.id, row.id, key=key)
