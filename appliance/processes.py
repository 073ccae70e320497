"""`python -m appliance init|web|worker|seed`: what the supervisor, or systemd, starts.

init    makes the data directory, its keys and (for a demo) its people; prints the recovery key once
web     the API and the UI, on the people's address and at the owner's door
worker  the jobs
seed    gives the demo plant's documents to the running node
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from appliance.errors import OutpostError, Unavailable
from appliance.logs import KEPT, Scrubber, configure
from appliance.settings import Settings, load
from appliance.waiting import wait_until_free
from models.child import STOP_SECONDS

DEMO = "--demo"
TYPES = "--types"
CREDENTIALS = "credentials.json"
"""The first people's sign-ins, written before these people are committed: it says nothing of how far `init` came."""
INITIALISED = "initialised"
"""Made last by `init`, which does nothing twice: a data directory without it only goes through `init` once more."""
NO_PLACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS})
"""A data directory that cannot be written: said in a line. What else the system refuses is ours to explain."""
FINISH_SECONDS = 5.0
"""What a stopping node gives to the requests it is working on."""
GRACE_SECONDS = 2.0
"""What a stopping worker gives to the job it is doing, before that goes back to the queue."""
FLOW_SECONDS = 0.3
"""What it gives to bytes on their way: a request already received to be begun, an answer to be sent."""


def main() -> None:
    """Run one process to its end and exit with its code."""
    name, *rest = sys.argv[1:] or ["?"]
    try:
        # Whatever a process makes in the data directory is the owner's alone, from the first moment.
        os.umask(0o077)
        settings = load()
        scrubber = Scrubber()
        configure(settings.log_level, name, scrubber, kept=settings.data / KEPT if name in {"web", "worker"} else None)
        tracing: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
        if settings.trace_collector and name in {"web", "worker"}:
            from appliance.compose.traces import traced

            tracing = traced(settings, name)
        # uvloop wakes up for another thread at a fraction of the cost, and every statement of a database is such a waking.
        with tracing, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            code = runner.run(_work(name, rest, settings, scrubber))
    except OutpostError as error:
        code = _complain(error)
    except OSError as error:
        from appliance.cli_parts import said_of

        if error.errno not in NO_PLACE or (ours := said_of(error)) is None:
            raise
        code = _complain(ours)
    # Everything is closed by now. A thread of the server can abort the interpreter while it is being taken down.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _complain(error: OutpostError) -> int:
    with contextlib.suppress(OSError):  # standard error may be a file on the very disk that fails
        sys.stderr.write(f"refused: {error.detail}\nhint:    {error.hint}\n")
    return error.exit_code


def _work(name: str, rest: list[str], settings: Settings, scrubber: Scrubber) -> Coroutine[Any, Any, int]:
    if name == "web":
        return serve_web(settings, scrubber)
    if name == "worker":
        return run_worker(settings, rest[1].split(",") if rest[:1] == [TYPES] else None, scrubber)
    from appliance import seeding

    if name == "init":
        # A second's work that is better finished: stopped between making people and writing their passwords down, it
        # would leave a node that nobody can sign in to.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        return seeding.initialise(settings, demo=DEMO in rest)
    if name == "seed":
        return seeding.fill(settings)
    raise SystemExit(__doc__)


async def serve_web(settings: Settings, scrubber: Scrubber) -> int:
    """Serve until SIGTERM or SIGINT."""
    from granian.constants import HTTPModes, Interfaces
    from granian.server.embed import Server

    from appliance.compose import web
    from appliance.edge import Edge, OwnerDoor
    from appliance.tls.required import require
    from appliance.tls.serving import PeoplesServer

    secure = require(settings)
    stopped = _stop_signal()
    async with web(settings, scrubber) as (api, ui, certificates):
        await wait_until_free(settings.host, settings.port, seconds=STOP_SECONDS)
        edge = Edge(
            api, ui, origins=settings.cors_allowed_origins, metrics_token=settings.metrics_token,
            proxies=settings.trusted_proxies,
        )  # fmt: skip
        settings.socket.unlink(missing_ok=True)
        common: dict[str, Any] = {
            "interface": Interfaces.ASGINL,
            # One protocol, known to the edge in all its corners; what is gained by HTTP/2 is not felt in a plant.
            "http": HTTPModes.http1,
            "log_enabled": False,
            "websockets": False,
        }
        people = PeoplesServer(
            partial(Server, edge, address=settings.host, port=settings.port, **common),
            certificates if secure else None,
            settings.tls_minimum,
        )
        owner = Server(OwnerDoor(edge), uds=settings.socket, **common)
        serving = [asyncio.create_task(people.serve()), asyncio.create_task(owner.serve())]
        door = None
        try:
            door = await _guarded(settings.socket, serving)
            done, _ = await asyncio.wait([asyncio.create_task(stopped.wait()), *serving], return_when="FIRST_COMPLETED")
            for task in done:
                task.result()
        finally:
            people.stop()
            owner.stop()  # type: ignore[no-untyped-call]
            # The server would wait for the rest of every half-sent request. It is waited for while something is worked on.
            await asyncio.wait(serving, timeout=FLOW_SECONDS)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(edge.finish(), FINISH_SECONDS)
            await asyncio.wait(serving, timeout=FLOW_SECONDS)
            _take_away(settings.socket, door)
    return 0


async def _guarded(socket: Path, serving: list[asyncio.Task[None]]) -> int:
    """Wait for the owner's door, close it to everybody else, and return its inode.

    Raises:
        Unavailable: the server ended before it had made the door.
    """
    while not socket.exists():
        done, _ = await asyncio.wait(serving, timeout=0.005, return_when="FIRST_COMPLETED")
        for task in done:
            task.result()
            raise Unavailable("The server ended before it could be reached.")
    socket.chmod(0o600)
    return socket.stat().st_ino


def _take_away(socket: Path, inode: int | None) -> None:
    """Remove our own door: a successor that started while we were ending has put its own in its place."""
    with contextlib.suppress(FileNotFoundError):
        if socket.stat().st_ino == inode:
            socket.unlink()


async def run_worker(settings: Settings, only: Sequence[str] | None, scrubber: Scrubber) -> int:
    """Work until SIGTERM or SIGINT; on jobs of the types `only`, beside the node's own worker, if these are given."""
    from appliance.compose import worker

    # Taking documents in must not slow a question down.
    os.nice(10)
    stopped = _stop_signal()
    async with worker(settings, only, scrubber) as working:
        running = asyncio.create_task(working.run())
        await asyncio.wait([running, asyncio.create_task(stopped.wait())], return_when="FIRST_COMPLETED")
        working.stop(grace=GRACE_SECONDS)
        await running
    return 0


def _stop_signal() -> asyncio.Event:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    return stopped
