"""Workers that are killed while they work, again and again: no job is lost, none is done by two at once.

    python -m tests.faults.worker_kills DATA URL LEDGER     one worker; URL is `-` for files

The worker writes a line to the ledger when it begins a job and one when it has done it; the parent kills in between.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from appliance.audit.instances import Instance
from appliance.jobs import RunningJob, Worker, enqueue
from appliance.jobs import store as queries
from appliance.jobs import worker as worker_module
from appliance.jobs.rules import ATTEMPTS
from appliance.jobs.tables import JobRow
from appliance.jobs.waking import Bell
from appliance.store import Principal, Purpose, Store, Tenant, new_id, open_store
from tests.node import ROOT

WORKERS = 2
AT_A_TIME = 4


@dataclass
class Outcome:
    """What became of the jobs. `lost` and `wrong` are to be empty."""

    kills: int = 0
    jobs: int = 0
    finished: int = 0
    worker_lost: int = 0
    struck: int = 0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


async def kill_workers(
    store: Store, tenant: Tenant, url: str | None, ledger: Path, *, kills: int, seed: int
) -> Outcome:
    """Keep two workers at it and kill one of them `kills` times, then let the rest be done."""
    chance, found = random.Random(seed), Outcome(kills=kills)
    ledger.touch()
    made: list[Any] = []
    workers = [_start(store.data, url, ledger) for _ in range(WORKERS)]
    try:
        for _ in range(kills):
            made += await _put(store, tenant)
            await _until_begun(ledger, ledger.stat().st_size)
            await asyncio.sleep(chance.uniform(0, 0.15))
            victim = chance.randrange(WORKERS)
            workers[victim].kill()
            workers[victim].wait()
            found.struck += bool(_unfinished(ledger, workers[victim].pid))
            workers[victim] = _start(store.data, url, ledger)
        # A worker takes the jobs of dead ones over when it starts; of those killed last the next one does.
        workers.append(_start(store.data, url, ledger))
        await _until_ended(store, tenant, made)
    finally:
        for one in workers:
            one.kill()
            one.wait()
    await _judge(store, tenant, made, ledger, found)
    return found


def _start(data: Path, url: str | None, ledger: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.faults.worker_kills", str(data), url or "-", str(ledger)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)


async def _put(store: Store, tenant: Tenant) -> list[Any]:
    owner = Principal(new_id(), "person", tenant.id, "somebody", "operator", 1)
    async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
        return [await enqueue(session, kind="work", payload={}, owner=owner) for _ in range(AT_A_TIME)]


async def _until_begun(ledger: Path, size: int) -> None:
    async with asyncio.timeout(60):
        while ledger.stat().st_size == size:
            await asyncio.sleep(0.01)


async def _until_ended(store: Store, tenant: Tenant, made: list[Any]) -> None:
    async with asyncio.timeout(60 + len(made)):
        while True:
            async with store.open_internal(Purpose.VERIFY, tenant.id) as session:
                waiting = select(JobRow.id).where(JobRow.state.in_(("queued", "running"))).limit(1)
                left = await session.scalar(waiting)
            if left is None:
                return
            await asyncio.sleep(0.2)


def _lines(ledger: Path) -> list[list[str]]:
    return [line.split() for line in ledger.read_text(encoding="utf-8").splitlines()]


def _unfinished(ledger: Path, pid: int) -> set[str]:
    begun = {job for job, what, who in _lines(ledger) if who == str(pid) and what == "begin"}
    return begun - {job for job, what, who in _lines(ledger) if who == str(pid) and what == "end"}


async def _judge(store: Store, tenant: Tenant, made: list[Any], ledger: Path, found: Outcome) -> None:
    begun: Counter[str] = Counter(job for job, what, _ in _lines(ledger) if what == "begin")
    done: Counter[str] = Counter(job for job, what, _ in _lines(ledger) if what == "end")
    found.jobs = len(made)
    async with store.open_internal(Purpose.VERIFY, tenant.id) as session:
        for job_id in made:
            row = await queries.find(session, job_id)
            if row is None:
                found.lost.append(str(job_id))
                continue
            events = await queries.events_after(session, job_id, 0)
            kinds = [one.kind for one in events]
            found.finished += row.state == "finished"
            found.worker_lost += row.reason == "worker-lost"
            if [one.seq for one in events] != list(range(1, len(events) + 1)):
                found.wrong.append(f"{job_id}: gaps in its events")
            if row.state == "finished" and (kinds.count("finished") != 1 or not done[str(job_id)]):
                found.wrong.append(f"{job_id}: finished, but not done once")
            if row.state == "failed" and (row.reason != "worker-lost" or begun[str(job_id)] > ATTEMPTS):
                found.wrong.append(f"{job_id}: failed for {row.reason} after {begun[str(job_id)]} tries")
            if row.state not in {"finished", "failed"}:
                found.wrong.append(f"{job_id}: left {row.state}")
    found.wrong += _at_once(ledger)


def _at_once(ledger: Path) -> list[str]:
    """Jobs that somebody began while another still wrote of them afterwards."""
    holder: dict[str, str] = {}
    wrong = []
    for job, what, who in _lines(ledger):
        if what == "begin":
            holder[job] = who
        elif holder.get(job) != who:
            wrong.append(f"{job}: done by {who} while {holder.get(job)} had it")
    return wrong


async def _work(data: Path, url: str | None, ledger: Path) -> None:
    worker_module.LOOK_SECONDS = 0.05
    store, instance = await open_store(data, url), Instance(data / "run")
    book = os.open(ledger, os.O_WRONLY | os.O_APPEND)

    async def work(job: RunningJob) -> dict[str, int]:
        os.write(book, f"{job.id} begin {os.getpid()}\n".encode())
        for step in range(4):
            await job.progress(step / 4, f"step {step}")
            await asyncio.sleep(random.uniform(0, 0.02))
        os.write(book, f"{job.id} end {os.getpid()}\n".encode())
        return {"pid": os.getpid()}

    with tempfile.TemporaryDirectory(prefix="outpost-w-") as folder:
        bell = Bell(Path(folder) / "bell")
        await Worker(store, {"work": work}, name=instance.id, is_alive=instance.is_alive, bell=bell).run()


if __name__ == "__main__":
    asyncio.run(_work(Path(sys.argv[1]), None if sys.argv[2] == "-" else sys.argv[2], Path(sys.argv[3])))
