"""A process that records, relays and saves heads, and says in a book what it was told is done.

    python -m tests.faults.recording DATA BOOK [careless]

and what must hold of every disk that it may leave.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from sqlalchemy import func, select, text

from appliance.audit import Recorder
from appliance.audit.instances import Instance
from appliance.audit.recovery import recover
from appliance.audit.tables import LeafRow, OpenRow, TenantOutboxRow
from appliance.audit.verify import verify
from appliance.gate import Gate
from appliance.policy import PolicyEngine, Resource
from appliance.store import AUDIT, Principal, Purpose, Store, Tenant, engines, new_id, open_store
from appliance.store.admission import minter
from tests.audit.conftest import record
from tests.faults.crashes import Crash

APPENDS = 3
CHANGED = "2001-02-03T04:05:06+00:00"


async def work(data: Path, book: Path) -> None:
    store = await open_store(data)
    (tenant, *_) = sorted(await store.tenants(), key=lambda one: one.slug)
    recorder = Recorder(store, Instance(store.data / "run"), checkpoint_every=2)
    gate = Gate(PolicyEngine(), recorder, minter())
    store.post_record = gate.post_record
    nora = Principal(new_id(), "person", tenant.id, "Nora North", "operator", 2)
    handle = os.open(book, os.O_WRONLY | os.O_APPEND)

    def say(line: str) -> None:
        os.write(handle, f"{line}\n".encode())

    say("phase append")
    await asyncio.to_thread(ready)
    for _ in range(APPENDS):
        (ref,) = await recorder.append(record(tenant, personal={"username": "nora"}))
        say(f"record {ref.id}")
    (ref,) = await recorder.append(record(tenant, phase="pre", event_type="plant.write", outside=True))
    say(f"record {ref.id}")

    say("phase relay")
    async with gate.admit(nora, "documents.upload", Resource("document")) as admitted:
        async with store.open_session(admitted, write=True) as session:
            await session.execute(text("UPDATE meta SET created_at = :at"), {"at": CHANGED})
        say(f"committed {admitted.correlation_id}")
    say(f"done {admitted.correlation_id}")
    # One whose relaying was left to later, as by a process that died.
    leaf = recorder.leaf(record(tenant, event_type="doc.upload", phase="post"))
    async with store.open_internal(Purpose.RELAY, tenant.id, write=True) as session:
        await recorder.outbox.put(session, leaf)
    say(f"owed {leaf.id}")
    await recorder.relay(tenant.id)
    say(f"record {leaf.id}")

    say("phase checkpoint")
    await recorder.save_heads()
    await asyncio.to_thread(recorder.heads.sync)
    await gate.close()
    await recorder.close()
    await store.close()  # the last to leave a file puts its write-ahead log into it
    say("phase end")


def ready() -> None:
    """Say so to the one who watches, and wait for the word."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()


async def judge(crash: Crash, data: Path) -> list[str]:
    """Start on what is left, and say what is wrong with it: nothing, it is hoped."""
    store = await open_store(data)
    try:
        (tenant, *_) = sorted(await store.tenants(), key=lambda one: one.slug)
        recorder = Recorder(store, Instance(store.data / "run"))
        found = await recover(store, recorder)
        wrong = [f"the log no longer reaches its head: {one.log}" for one in found.disputed]
        wrong += await _recorded(store, tenant, crash)
        await recorder.append(record(tenant))
        await recorder.close()
        verdict = await verify(store)
        wrong += [] if verdict.ok else [f"it does not verify: {verdict}"]
    finally:
        await store.close()
    return wrong


async def _recorded(store: Store, tenant: Tenant, crash: Crash) -> list[str]:
    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        raw = list(await session.scalars(select(LeafRow.record).where(LeafRow.log == f"{tenant.id}/1")))
        still_open = await session.scalar(select(func.count()).select_from(OpenRow))
    async with store.open_internal(Purpose.RELAY, tenant.id) as session:
        in_outbox = await session.scalar(select(func.count()).select_from(TenantOutboxRow))
        changed = str(await session.scalar(text("SELECT created_at FROM meta"))).startswith("2001")
    records = [json.loads(one) for one in raw]
    ids = [one["id"] for one in records]
    wrong = [f"acknowledged and lost: {one}" for one in crash.of("record") + crash.of("owed") if one not in ids]
    wrong += [f"recorded twice: {one}" for one in set(ids) if ids.count(one) > 1]
    wrong += ["a record is still open"] if still_open else []
    wrong += ["something is left in the outbox"] if in_outbox else []
    ends: dict[str, list[str]] = {}
    for one in records:
        if one["phase"] == "pre":
            ends.setdefault(one["correlation_id"], [])
    for one in records:
        if one["phase"] == "post" and one["correlation_id"] in ends:
            ends[one["correlation_id"]].append(one["result_status"])
    wrong += [f"{one} has ended {len(said)} times" for one, said in ends.items() if len(said) != 1]
    uploads = {one["correlation_id"] for one in records if one["event_type"] == "doc.upload"}
    for one, said in ends.items():
        expected = "unknown" if one not in uploads else "success" if changed else "aborted"
        wrong += [] if said == [expected] else [f"{one} is said to have ended as {said}, and did as {expected}"]
    wrong += [f"committed, and not there: {one}" for one in crash.of("committed") if not changed]
    return wrong


if __name__ == "__main__":
    if sys.argv[3:] == ["careless"]:
        # Acknowledges what is not on the disk yet: what looks at its crashes must find that.
        engines._PRAGMAS = tuple("synchronous = OFF" if "synchronous" in one else one for one in engines._PRAGMAS)  # type: ignore[misc, assignment]
    asyncio.run(work(Path(sys.argv[1]), Path(sys.argv[2])))
