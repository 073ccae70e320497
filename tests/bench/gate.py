"""What admission and the record cost: the gate in process beside the disk, and a route with it beside one without."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import uvloop

from appliance.compose import foundation
from appliance.policy import Resource
from appliance.settings import load
from appliance.store import Principal, new_id
from tests.bench.figures import Figure, quantile
from tests.node import RunningNode

ROUNDS = 400
AT_ONCE = 32
PEOPLE = 8
SECONDS = 5.0


def measure(folder: Path) -> list[Figure]:
    """Measure the disk, the gate alone, then both routes over HTTP."""
    disk = fdatasync(folder)
    figures = [Figure("fdatasync of 4 KiB p50", disk, "ms", f"median of {ROUNDS}")]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as our processes do
        figures += runner.run(_in_process(folder / "gate", disk))
    with RunningNode(folder / "node", demo=False) as node, node.sign_in("admin", tenant="plant") as client:
        token = str(client.headers["authorization"])
        web = psutil.Process(node.pids()["web"])
        before = _busy(web)
        gated, gated_ms = asyncio.run(_requests(node.url, "/v1/conversations?page_size=1", token))
        busy = (_busy(web) - before) / (gated * SECONDS)
        bare, bare_ms = asyncio.run(_requests(node.url, "/v1", token))
    figures += [
        Figure("requests/s, bare route", bare, "1/s", f"p50 {bare_ms:.1f} ms, {PEOPLE} clients"),
        Figure(
            "requests/s, authenticated, gated, recorded",
            gated,
            "1/s",
            f"p50 {gated_ms:.1f} ms; beside bare",
            gated / bare,
        ),
        Figure("processor time of the node for one of them", busy * 1000, "ms"),
    ]
    return figures


def _busy(process: psutil.Process) -> float:
    """Seconds of processor time that it has used."""
    times = process.cpu_times()
    return times.user + times.system


def fdatasync(folder: Path) -> float:
    """Median time in ms to make 4 KiB durable on the disk under `folder`."""
    times = []
    handle = os.open(folder / "disk", os.O_RDWR | os.O_CREAT)
    try:
        for number in range(ROUNDS):
            os.pwrite(handle, os.urandom(4096), number * 4096)
            began = time.perf_counter()
            os.fdatasync(handle)
            times.append((time.perf_counter() - began) * 1000)
    finally:
        os.close(handle)
    return quantile(times, 0.5)


async def _in_process(data: Path, disk: float) -> list[Figure]:
    data.mkdir(mode=0o700)
    settings = replace(load({}), data=data)
    async with foundation(settings) as base:
        tenant = await base.store.create_tenant("bench", "Bench")
        person = Principal(id=new_id(), kind="person", tenant_id=tenant.id, name="bench", role="viewer", clearance=2)

        async def admitted() -> None:
            async with base.gate.admit(person, "search.query", Resource("query"), request=b"?"):
                pass

        async def decided() -> None:
            base.policy.decide(person, "search.query", Resource("query"))

        await _timed(admitted, 50, 1)
        alone = await _timed(admitted, ROUNDS, 1)
        crowd = await _timed(admitted, ROUNDS * 4, AT_ONCE)
        cedar = await _timed(decided, ROUNDS, 1)
    p50 = quantile(alone, 0.5)
    return [
        Figure("policy decision p50", quantile(cedar, 0.5), "ms", "of the figure below"),
        Figure(
            "gate and record p50, alone",
            p50,
            "ms",
            "two durable records; beside fdatasync",
            p50 / disk,
            "< 3 ms",
            p50 < 3,
        ),
        Figure("gate and record p95, alone", quantile(alone, 0.95), "ms"),
        Figure(f"gate and record, {AT_ONCE} at once", sum(crowd) / len(crowd) / AT_ONCE, "ms each", "shared fsync"),
    ]


async def _timed(work: Callable[[], Awaitable[None]], rounds: int, at_once: int) -> list[float]:
    times: list[float] = []

    async def one() -> None:
        for _ in range(rounds // at_once):
            began = time.perf_counter()
            await work()
            times.append((time.perf_counter() - began) * 1000)

    await asyncio.gather(*(one() for _ in range(at_once)))
    return times


async def _requests(url: str, path: str, token: str) -> tuple[float, float]:
    """Requests a second and the median in ms, from `PEOPLE` clients in this process for a few seconds."""
    times: list[float] = []
    async with httpx.AsyncClient(base_url=url, headers={"authorization": token}) as client:
        began = time.perf_counter()

        async def person() -> None:
            while time.perf_counter() - began < SECONDS:
                asked = time.perf_counter()
                (await client.get(path)).raise_for_status()
                times.append((time.perf_counter() - asked) * 1000)

        await asyncio.gather(*(person() for _ in range(PEOPLE)))
        seconds = time.perf_counter() - began
    return len(times) / seconds, quantile(times, 0.5)
