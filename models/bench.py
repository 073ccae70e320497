"""`python -m models.bench`: what the small models cost on this box, measured through their server and client.

Prints a table and writes `var/bench/models.json`: a list of `{figure, value, unit, peer, ratio, aim, met}`.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from models.client import ModelClient

SENTENCE = "Close the suction valve before opening the drain of the pump, wait until the casing is cold, then lock it. "
PASSAGE = SENTENCE * 7
"""About 170 tokens."""

QUESTION = "What must be closed before the drain of the pump is opened?"


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` beside the same figure of a `peer`, as a `ratio`; `aim` is for the ratio where there is one, else for the value."""

    figure: str
    value: float
    unit: str
    peer: str | None = None
    ratio: float | None = None
    aim: float | None = None
    met: bool | None = None


def figure(name: str, value: float, unit: str, *, at_most: float | None = None) -> Figure:
    met = None if at_most is None else value <= at_most
    return Figure(name, round(value, 2), unit, aim=at_most, met=met)


def resident(pid: int) -> float:
    """Resident memory of a process in MB, as Linux counts it, shared libraries included."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024 / 1e6


async def timed(call: Callable[[], Awaitable[object]], times: int) -> list[float]:
    """Milliseconds of each call after one that is not counted."""
    await call()
    spans: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        await call()
        spans.append(1000 * (time.perf_counter() - began))
    return spans


async def measure(socket: Path, pid: int) -> list[Figure]:
    idle = resident(pid)
    async with ModelClient(socket, seconds=120) as client:
        query = await timed(lambda: client.embed([QUESTION]), 40)
        rerank = await timed(lambda: client.rerank(QUESTION, [PASSAGE] * 12), 8)
        read = await timed(lambda: client.read(QUESTION, [PASSAGE] * 6), 8)
        began = time.perf_counter()
        await client.embed([PASSAGE[:600]] * 256, bulk=True)
        rate = 256 / (time.perf_counter() - began)
        bulk = asyncio.create_task(client.embed([PASSAGE] * 512, bulk=True))
        beside = await timed(lambda: client.embed([QUESTION]), 20)
        bulk.cancel()
        await asyncio.gather(bulk, return_exceptions=True)
    await asyncio.sleep(2)
    busy = resident(pid)
    return [
        figure("embed one question, p50", statistics.median(query), "ms"),
        figure("embed one question beside bulk work, p50", statistics.median(beside), "ms"),
        figure("rerank 12 passages of 170 tokens, p50", statistics.median(rerank), "ms"),
        figure("read 6 passages of 170 tokens, p50", statistics.median(read), "ms"),
        figure("embed in bulk, 110 tokens each", rate, "texts/s"),
        figure("memory of the server after start", idle, "MB", at_most=160),
        figure("memory of the server after work", busy, "MB", at_most=160),
    ]


def run(models: Path, threads: int) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="op-") as folder:
        socket = Path(folder) / "models.sock"
        command = [sys.executable, "-m", "models.server", "--socket", str(socket), "--models", str(models)]
        began = time.perf_counter()
        server = subprocess.Popen([*command, "--threads", str(threads)], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            if "serving" not in server.stdout.readline():
                raise SystemExit("the model server did not start")
            start = figure("start of the server", time.perf_counter() - began, "s")
            return [start, *asyncio.run(measure(socket, server.pid))]
        finally:
            server.terminate()
            server.communicate()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.bench", description=__doc__)
    parser.add_argument("--models", type=Path, default=Path(sys.prefix) / "share" / "outpost" / "models")
    parser.add_argument("--threads", type=int, default=0, help="threads of inference; 0 leaves one core free")
    parser.add_argument("--out", type=Path, default=Path("var/bench/models.json"))
    options = parser.parse_args()
    threads = options.threads or max(1, (os.cpu_count() or 2) - 1)
    figures = run(options.models, threads)
    tell(f"small models, {threads} thread(s) of {os.cpu_count()} cores", figures, options.out)


def tell(title: str, figures: list[Figure], out: Path) -> None:
    """Print a table and write the file."""
    print(title)
    for each in figures:
        beside = "" if each.ratio is None else f"  {each.ratio:.2f} of {each.peer}"
        aim = "" if each.aim is None else f"  aim {each.aim:g}: {'met' if each.met else 'MISSED'}"
        print(f"  {each.figure:60} {each.value:9.2f} {each.unit}{beside}{aim}")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps([asdict(each) for each in figures], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
