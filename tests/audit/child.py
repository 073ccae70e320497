"""A process that records and is killed: `child.py <data> <stage>` works as far as the stage and then kills itself.

pre       after the pre-record                     working   inside the writing transaction, before its commit
commit    after the commit, before the relay       relay     after the relay, before the outbox row is deleted
outside   after a pre-record of work with outside effects
append    appends until it is killed from outside, printing each acknowledged place
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import sys
from pathlib import Path

from sqlalchemy import text

from appliance import gate_rules as rules
from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.gate import Gate
from appliance.policy import PolicyEngine, Resource
from appliance.store import Principal, Store, new_id, open_store
from appliance.store.admission import minter
from tests.audit.conftest import record


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def work(store: Store, stage: str) -> None:
    tenant = (await store.tenants())[0]
    recorder = Recorder(store, Instance(store.data / "run"))
    gate = Gate(PolicyEngine(), recorder, minter())
    store.post_record = gate.post_record
    principal = Principal(new_id(), "person", tenant.id, "Nora North", "operator", 2)
    if stage == "append":
        while True:
            (ref,) = await recorder.append(record(tenant))
            print(f"{ref.log} {ref.seq} {ref.id}", flush=True)
    if stage == "outside":
        asked = record(tenant, phase="pre", event_type="plant.write", metadata={"action": "plant.write"})
        await recorder.append(dataclasses.replace(asked, outside=True))
        die()
    async with gate.admit(principal, "documents.upload", Resource("document")) as admitted:
        if stage == "pre":
            die()
        async with store.open_session(admitted, write=True) as session:
            await session.execute(text("UPDATE meta SET created_at = created_at"))
            if stage == "working":
                die()
        if stage == "commit":
            die()
    assert rules.events_of("documents.upload").post == "doc.upload"
    die()


async def main(data: Path, stage: str) -> None:
    await work(await open_store(data), stage)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
