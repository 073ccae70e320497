"""Counters in PostgreSQL, for a hub, whose processes count together.

Whoever counts in a tenant has a turn of it to the end of the transaction (an advisory lock), because every request of a
tenant counts in the tenant's own window anyway. The time is the database's: there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from appliance.limits import rules
from appliance.limits import store as queries
from appliance.limits.rules import SPANS, Counts, Key, Verdict, Window
from appliance.store import CONTROL, Purpose, Store

SWEEP_EVERY: Final = 512
"""Requests of this process after which windows that no longer count are deleted."""


class InDatabase:
    """Args:
    clock: seconds, in place of the database's; for tests.
    """

    def __init__(self, store: Store, *, clock: Callable[[], float] | None = None) -> None:
        self._store, self._clock = store, clock
        self._taken = 0

    async def take(self, windows: Sequence[Window]) -> Verdict:
        if not windows:
            return Verdict(())
        async with self._store.open_internal(Purpose.LIMITS, CONTROL, write=True) as session:
            now = await queries.turn(session, windows[0].key.tenant)
            now = self._clock() if self._clock else now
            before = await queries.of_windows(session, windows)
            verdict, after = rules.taken(windows, before, now)
            if verdict.refused is None or before != after:
                await queries.put(session, after, now)
            self._taken += 1
            if self._taken % SWEEP_EVERY == 0:
                await queries.forget_older(session, now - 2 * SPANS["hour"])
        return verdict

    async def of_tenant(self, tenant: str) -> dict[Key, Counts]:
        async with self._store.open_internal(Purpose.LIMITS, CONTROL, write=True) as session:
            return await self._living(session, tenant)

    async def reset(self, tenant: str, subject: str | None) -> int:
        async with self._store.open_internal(Purpose.LIMITS, CONTROL, write=True) as session:
            gone = [key for key in await self._living(session, tenant) if subject in {None, key.subject}]
            await queries.forget(session, tenant, subject)
        return len(gone)

    async def _living(self, session: AsyncSession, tenant: str) -> dict[Key, Counts]:
        now = await queries.turn(session, tenant)
        now = self._clock() if self._clock else now
        found = await queries.of_tenant(session, tenant)
        alive = {key: rules.living(counts, key.seconds, now) for key, counts in found.items()}
        return {key: counts for key, counts in alive.items() if counts}
