"""A process that purges and is killed: `purge_child.py <data> <stage>`.

floor      after the floor is written, before any record goes       half       after the personal fields are gone
leaves     after the records are gone, before the commit            committed  after the first commit of several
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from appliance.audit import Recorder, channel
from appliance.audit.instances import Instance
from appliance.store import open_store
from appliance.upkeep import retention
from appliance.upkeep.retention import Retention

STATEMENTS = {"floor": "INSERT INTO purged", "half": "DELETE FROM personal", "leaves": "DELETE FROM leaves"}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Fatal:
    """The driver's connection, which kills its process after one statement."""

    def __init__(self, raw: Any, fatal: str) -> None:
        self._raw, self._fatal = raw, fatal

    def execute(self, statement: str, values: Mapping[str, Any]) -> Any:
        done = self._raw.execute(statement, values)
        if statement.startswith(self._fatal):
            die()
        return done


async def main(data: Path, stage: str) -> None:
    store = await open_store(data)
    tenant = (await store.tenants())[0]
    recorder = Recorder(store, Instance(data / "run"))
    if stage in STATEMENTS:
        purge = channel._FileTransaction.purge

        def fatally(self: channel._FileTransaction, values: Mapping[str, Any]) -> int:
            self._raw = Fatal(self._raw, STATEMENTS[stage])  # type: ignore[assignment]
            return purge(self, values)

        channel._FileTransaction.purge = fatally  # type: ignore[method-assign]
    patched = vars(retention)
    patched["SEGMENTS"] = 1
    done = 0
    real = patched["purge"]

    async def counted(*arguments: Any, **named: Any) -> int:
        nonlocal done
        if done:
            die()
        done += 1
        return int(await real(*arguments, **named))

    patched["purge"] = counted
    await Retention(store, recorder, clock=lambda: dt.datetime.now(dt.UTC)).run(tenant.id, before=None, dry_run=False)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
