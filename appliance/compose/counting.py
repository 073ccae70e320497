"""Where requests are counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from appliance.compose.foundation import Foundation
from appliance.health import NotWell
from appliance.limits.degrading import Degrading
from appliance.limits.in_database import InDatabase
from appliance.limits.in_process import InProcess
from appliance.limits.keeping import Keeping
from appliance.limits.ports import Counters


async def counters_of(base: Foundation, stack: AsyncExitStack) -> tuple[Counters, Callable[[], Awaitable[str]]]:
    """Where requests are counted, and the probe that says how well: a node counts in memory, a hub in its database."""
    own = InProcess()
    if base.settings.role == "hub":
        shared = Degrading(InDatabase(base.store), own)

        async def together() -> str:
            if shared.degraded:
                raise NotWell("the shared counters do not answer; each process counts requests for itself")
            return "counted in the database"

        return shared, together
    keeping = Keeping(base.store, own)
    await keeping.start()
    stack.push_async_callback(keeping.close)

    async def kept() -> str:
        if keeping.failed:
            raise NotWell("what was counted cannot be kept; a restart would begin afresh")
        return "counted in memory, kept for a restart"

    return own, kept
