"""A worker that claims one job, does it and says so, and what must hold of the job wherever the worker died.

    python -m tests.faults.claiming DATA BOOK             the one who watches lets it go on, step by step
    python -m tests.faults.claiming DATA BOOK URL COUNT   it dies before the statement of that number, on a hub

The statements are those that change something, and the commits.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, select

from appliance.audit.instances import Instance
from appliance.jobs import RunningJob, Worker, enqueue, rules
from appliance.jobs import store as queries
from appliance.jobs import worker as worker_module
from appliance.jobs.tables import JobRow
from appliance.jobs.waking import Bell
from appliance.store import Principal, Purpose, Store, Tenant, new_id, open_store
from tests.faults.recording import ready

DIED = 77
SHORT = dt.timedelta(seconds=0.5)
"""A lease in the tests of a hub, whose other machines are known by it alone."""


async def put(store: Store, tenant: Tenant) -> Any:
    owner = Principal(new_id(), "person", tenant.id, "somebody", "operator", 1)
    async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
        return await enqueue(session, kind="work", payload={}, owner=owner)


async def _work(store: Store, book: Path, *, began: Callable[[], None], is_alive: Callable[[str], bool]) -> None:
    """Do the first job that there is."""
    worker_module.LOOK_SECONDS = 0.02
    handle = os.open(book, os.O_WRONLY | os.O_APPEND)

    async def work(job: RunningJob) -> dict[str, int]:
        os.write(handle, b"begun\nphase work\n")
        await job.progress(0.5, "half way")
        os.write(handle, b"done\nphase finish\n")
        worker.stop(grace=30)
        return {"done": 1}

    instance = Instance(store.data / "run")
    with tempfile.TemporaryDirectory(prefix="outpost-c-") as folder:
        alive = is_alive if is_alive is not _as_locked else instance.is_alive
        worker = Worker(store, {"work": work}, name=instance.id, is_alive=alive, bell=Bell(Path(folder) / "bell"))
        os.write(handle, b"phase claim\n")
        await asyncio.to_thread(began)
        await worker.run()
    os.write(handle, b"phase end\n")
    instance.close()
    os.close(handle)


def _as_locked(_: str) -> bool:
    raise AssertionError("stands for the locks of the node")


def everybody_lives(_: str) -> bool:
    """What a machine of a hub has to think of the others."""
    return True


async def judge(store: Store, tenant: Tenant, job_id: Any, book: Path, *, by_lease: bool) -> list[str]:
    """Let the next worker go on, and say what is wrong with the job in the end: nothing, it is hoped."""
    before = await _row(store, tenant, job_id)
    if before is None:
        return ["the job is lost"]
    if before.state != "finished":
        async with asyncio.timeout(30):
            await _work(store, book, began=lambda: None, is_alive=everybody_lives if by_lease else _as_locked)
    row = await _row(store, tenant, job_id)
    assert row is not None
    async with store.open_internal(Purpose.VERIFY, tenant.id) as session:
        events = await queries.events_after(session, job_id, 0)
    kinds = [one.kind for one in events]
    lines = book.read_text(encoding="utf-8").splitlines()
    wrong = [] if (row.state, row.result) == ("finished", {"done": 1}) else [f"it is {row.state}: {row.result}"]
    wrong += [] if 1 <= lines.count("begun") <= row.attempt <= 2 else [f"begun {lines.count('begun')}: {row.attempt}"]
    wrong += [] if kinds.count("running") == row.attempt else [f"claimed {row.attempt} times, and told {kinds}"]
    wrong += [] if kinds.count("finished") == 1 else [f"finished {kinds.count('finished')} times"]
    wrong += [] if [one.seq for one in events] == list(range(1, len(events) + 1)) else ["gaps in its events"]
    return wrong


async def _row(store: Store, tenant: Tenant, job_id: Any) -> JobRow | None:
    async with store.open_internal(Purpose.VERIFY, tenant.id) as session:
        return (await session.scalars(select(JobRow).where(JobRow.id == job_id))).one_or_none()


def die_at(count: int) -> None:
    """Arm this process."""
    left = count

    def said(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os._exit(DIED)

    def statement(_connection: Any, _cursor: Any, text: str, *_: Any) -> None:
        if text.startswith(("INSERT", "UPDATE", "DELETE")):
            said()

    event.listen(Engine, "before_cursor_execute", statement)
    event.listen(Engine, "commit", said)


async def _main(data: Path, book: Path, url: str | None, count: int) -> None:
    store = await open_store(data, url)
    await store.tenants()
    if url is None:
        await _work(store, book, began=ready, is_alive=_as_locked)
    else:
        rules.LEASE = SHORT  # type: ignore[misc]
        await _work(store, book, began=lambda: die_at(count), is_alive=everybody_lives)
    await store.close()


if __name__ == "__main__":
    where = sys.argv[3] if len(sys.argv) > 3 else None
    asyncio.run(_main(Path(sys.argv[1]), Path(sys.argv[2]), where, int(sys.argv[4]) if where else 0))
