"""What is in force: read by whoever asks a model, published to whoever runs them, and taken back where a file is damaged.

`serving.json` in the run folder is made from the pointers, never the other way round.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from appliance.shelf import publishing
from appliance.shelf import store as queries
from appliance.shelf.tables import ModelPackageRow
from appliance.shelf.values import ModelPackage, What
from appliance.store import CONTROL, Purpose, Store


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class InForce:
    """Args:
    folder: where packages stand.
    run: where `serving.json` and the sockets of the servers stand.
    """

    def __init__(self, store: Store, *, folder: Path, run: Path, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._store, self._folder, self.run, self._clock = store, folder, run, clock
        self._whole: set[UUID] = set()
        self.changes = 0
        """Grows with every change of what is in force that this process makes."""

    async def serving(self) -> list[ModelPackage]:
        """The models in force, as routing needs them."""
        async with self._store.open_internal(Purpose.SHELF, CONTROL) as session:
            return [one for one in await queries.packages(session) if one.serves]

    async def unchecked(self) -> ModelPackage | None:
        """One in force whose file this process has not found whole."""
        return next((one for one in await self.serving() if one.id not in self._whole), None)

    def whole(self, package: UUID) -> None:
        """Its file was found to be as it was taken in."""
        self._whole.add(package)

    def doubtful(self, package: UUID) -> None:
        """Its file is not, or may not be."""
        self._whole.discard(package)

    async def note(self, name: str, id: UUID, what: What, reason: str | None = None, *, by: UUID | None = None) -> None:
        """Write into the history what became of a model or a provider; `by` is None for what the node has seen itself."""
        async with self._store.open_internal(Purpose.SHELF, CONTROL, write=True) as session:
            await queries.happened(session, what, name, id, by=by, at=self._clock(), reason=reason)

    async def publish(self) -> None:
        """Tell the supervisor what to run: what is in force, has been found whole, and is not held."""
        self.changes += 1
        found = [one for one in await self.serving() if one.id in self._whole and not one.held]
        publishing.publish(self.run / "serving.json", publishing.wanted(found, self._folder))

    async def lost(self, package: ModelPackage, why: str) -> None:
        """One in force is damaged: it is ended, and those before it take its place."""
        self.doubtful(package.id)
        await self.publish()
        async with self._store.open_internal(Purpose.SHELF, CONTROL, write=True) as session:
            await self.fall_back(session, package, why, by=None)

    async def fall_back(self, session: AsyncSession, package: ModelPackage, why: str, *, by: UUID | None) -> None:
        """Refuse a package, and put into each of its tiers the one that was there before."""
        row = await session.get_one(ModelPackageRow, package.id)
        now = self._clock()
        tiers = [tier for tier, one in (await queries.in_force(session)).items() if one == package.id]
        await queries.put_in_force(session, None, tiers)
        row.state, row.reason = "refused", why[:300]
        await queries.happened(session, "refused", row.name, row.id, by=by, at=now, reason=why)
        for tier in tiers:
            for earlier in (await queries.retired_before(session, [tier]))[:1]:
                before = await queries.package(session, earlier)
                await queries.put_in_force(session, earlier, [one for one in before.tiers if one in tiers])
                await queries.happened(session, "fell-back", before.name, before.id, by=by, at=now, reason=why)
