"""How single parts of the appliance are looked at; each says one fact, or raises what is wrong and what to do."""

from __future__ import annotations

import datetime as dt
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from sqlalchemy import select, text

from appliance.errors import Damaged
from appliance.health import NotWell
from appliance.jobs.service import measured
from appliance.retrieval.engines import Engine
from appliance.retrieval.tables import PassageRow
from appliance.store import CONTROL, Purpose, Store
from appliance.vault.service import Vault

LEAST_FREE: Final = 0.10
WAITS_LONG: Final = dt.timedelta(minutes=15)
MOVED: Final = 60.0
"""Seconds by which the wall clock may leave the time that has passed before anybody is told."""
NOT_BEFORE: Final = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
"""No release is older: a clock that shows less is wrong."""
LOOKED_AT: Final = 20
"""Plants whose index is looked at each time; the rest have the same one, in a file or schema of their own."""
_DIMENSIONS: Final = 384


async def database(store: Store) -> str:
    async with store.open_internal(Purpose.HEALTH, CONTROL) as session:
        await session.execute(text("SELECT 1"))
    return f"{len(await store.tenants())} tenants"


async def index(store: Store, engine: Engine) -> str:
    """Search one passage of each plant by words and by meaning."""
    tenants = [one for one in await store.tenants() if one.is_active][:LOOKED_AT]
    vector = np.zeros(_DIMENSIONS, dtype=np.float32)
    vector[0] = 1.0
    for tenant in tenants:
        async with store.open_internal(Purpose.HEALTH, tenant.id) as session:
            await engine.frequency(session, ["outpost"])
            await engine.meaning(session, vector, select(PassageRow.id).limit(1), 1)
    return f"words and meaning, {len(tenants)} plants looked at"


async def vault(found: Vault) -> str:
    """Open every secret, and tell how many; none is given to anybody."""
    kept, damaged = await found.checked()
    if damaged:
        raise NotWell(f"{damaged} of {kept} secrets do not open with the key of their plant")
    return f"{kept} secrets, each opens"


async def queue(store: Store, clock: Callable[[], dt.datetime]) -> str:
    waiting, running, oldest = 0, 0, 0.0
    for tenant in await store.tenants():
        found = await measured(store, tenant.id, clock())
        waiting += sum(count for (_, state), count in found.states.items() if state == "queued")
        running += sum(count for (_, state), count in found.states.items() if state == "running")
        oldest = max(oldest, *found.oldest.values(), 0.0)
    told = f"{waiting} wait, {running} run"
    if oldest > WAITS_LONG.total_seconds():
        raise NotWell(f"{told}; the oldest has waited for {oldest / 60:.0f} minutes")
    return told


async def disk(data: Path) -> str:
    usage = shutil.disk_usage(data)
    free = f"{usage.free / 2**30:.1f} GiB free"
    if usage.free < usage.total * LEAST_FREE:
        raise NotWell(f"{free}; documents are no longer taken in below 10 %")
    return free


@dataclass(frozen=True, slots=True)
class Clock:
    """The wall clock, held against the time that has passed since this was made.

    Args:
        wall: seconds since 1970.
        passed: seconds that nobody can set, those of sleep among them.
    """

    wall: Callable[[], float] = time.time
    passed: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME)

    def probe(self) -> Callable[[], str]:
        """Begin to watch. The probe raises Damaged for a time that cannot be, NotWell for a clock that was set."""
        ahead = self.wall() - self.passed()

        def look() -> str:
            now = dt.datetime.fromtimestamp(self.wall(), dt.UTC)
            if now < NOT_BEFORE:
                raise Damaged(f"the clock shows {now:%Y-%m-%d}, before this release was made")
            moved = self.wall() - self.passed() - ahead
            if abs(moved) > MOVED:
                way = "forward" if moved > 0 else "back"
                raise NotWell(f"the clock was set {way} by {abs(moved):.0f} s while the node ran")
            return f"{now:%Y-%m-%d %H:%M} UTC, steady since the start"

        return look
