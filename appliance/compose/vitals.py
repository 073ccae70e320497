"""What the vitals of a node are taken from."""

from __future__ import annotations

import asyncio
import datetime as dt
import shutil
from contextlib import AsyncExitStack, suppress
from typing import Final

import psutil

from appliance.compose.foundation import Foundation
from appliance.jobs.service import measured
from appliance.supervisor import running
from appliance.vitals import Vitals
from appliance.vitals.ring import Ring
from appliance.vitals.service import Levels

FILE: Final = "vitals"


def vitals_of(base: Foundation, stack: AsyncExitStack) -> Vitals:
    """The vitals of this node, sampled for as long as `stack` is open."""

    async def levels() -> Levels:
        now, waiting = dt.datetime.now(dt.UTC), 0
        for tenant in await base.store.tenants():
            states = (await measured(base.store, tenant.id, now)).states
            waiting += sum(count for (_, state), count in states.items() if state == "queued")
        usage = shutil.disk_usage(base.settings.data)
        return Levels(
            waiting, usage.free, sum(map(_resident, {psutil.Process().pid, *running(base.settings.run).values()}))
        )

    vitals = Vitals(Ring(base.settings.data / FILE), levels)
    sampling = asyncio.create_task(vitals.run(), name="vitals")

    async def stopped() -> None:
        sampling.cancel()
        with suppress(asyncio.CancelledError):
            await sampling

    stack.push_async_callback(stopped)
    return vitals


def _resident(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
