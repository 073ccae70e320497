"""A process that erases a person and is killed: `erase_child.py <data> <request> <word>` dies when the job tells `word`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.compose.privacy import PARTS
from appliance.gate import Gate
from appliance.jobs import JobId, RunningJob
from appliance.policy import PolicyEngine
from appliance.privacy.erasing import Erasing
from appliance.store import new_id, open_store
from appliance.store.admission import minter


async def main(data: Path, request: str, word: str) -> None:
    store = await open_store(data)
    tenant = (await store.tenants())[0]
    recorder = Recorder(store, Instance(data / "run"))
    gate = Gate(PolicyEngine(), recorder, minter())
    store.post_record = gate.post_record

    async def report(_share: float, told: str) -> None:
        if told == word:
            os.kill(os.getpid(), signal.SIGKILL)

    job = RunningJob(JobId(new_id()), tenant.id, "privacy.erase", {"request": request}, 1, new_id(), report)
    await Erasing(store, gate, recorder, PARTS, store.data / "backups")(job)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
