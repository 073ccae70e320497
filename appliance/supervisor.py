"""Starts the processes of a node, keeps them running, stops them together.

    outpost run ── supervisor ─┬─ models   embed, rerank, read; unix socket
                               ├─ web      API and UI
                               ├─ worker   jobs, ingest
                               └─ chat …   one for each chat model in force (`run/serving.json`)

A child that ends is started again after a pause that doubles from 0.2 s to 5 s and is forgotten after a quiet minute.
A vital child that ends because stored data is damaged ends the node: no new start mends that, and each would bury why.
A child never outlives the supervisor: the kernel sends it SIGTERM when its parent dies, however that happened.
`pids.json` names the processes that run now; a child that has ended is not in it. `lifecycle.json` says what became of the
last ones: started, ended (and why), stopped.
On a plant's box systemd does this work; the supervisor is for a laptop, a demo and a test.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import fcntl
import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.errors import Conflict, Damaged
from models.child import STOP_SECONDS, chat_command, end, end_with_parent

PAUSE_LEAST, PAUSE_MOST, QUIET_SECONDS = 0.2, 5.0, 60.0
LOOK_SECONDS = 0.05
FOLLOW_SECONDS = 0.5
MOST_LIFECYCLE = 200


class AlreadyRunning(Conflict):
    """Another supervisor holds this data directory."""

    code, title = "already-running", "This node is already running"
    hint = "Stop the other one first, or give this one its own --data."


@dataclass(frozen=True, slots=True)
class Program:
    """One process to keep running: its name and its command. It is first started once `after` exists, if that is set.
    Without a `vital` one the others are of no use. One that is `keyed` opens what is stored.
    """

    name: str
    command: Sequence[str]
    after: Path | None = None
    vital: bool = False
    keyed: bool = False


def node_programs(share: Path, models_socket: Path, node_socket: Path) -> list[Program]:
    """The three processes of a node. The worker waits until questions can be asked, so that it does not slow the start."""
    models = ["-m", "models.server", "--kinds", "embed,rerank,read,classify", "--socket", str(models_socket)]
    return [
        Program("models", [sys.executable, *models, "--models", str(share / "models")]),
        Program("web", [sys.executable, "-m", "appliance", "web"], vital=True, keyed=True),
        Program("worker", [sys.executable, "-m", "appliance", "worker"], after=node_socket, keyed=True),
    ]


def running(run: Path) -> dict[str, int]:
    """The processes of the node by name, as the supervisor last wrote them; none where nothing supervises."""
    try:
        found = json.loads((run / "pids.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): int(pid) for name, pid in found.items()}


def lifecycle(run: Path) -> list[dict[str, Any]]:
    """What became of the processes of the node, newest first: `process`, `pid`, `event`, `why`, `at`. At most 200."""
    try:
        found = json.loads((run / "lifecycle.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [one for one in reversed(found) if isinstance(one, dict)] if isinstance(found, list) else []


def chat_programs(serving: Path) -> list[Program]:
    """The chat servers that `serving` asks for; none where it cannot be read."""
    try:
        return [_chat_program(one, serving.parent) for one in json.loads(serving.read_text(encoding="utf-8"))]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _chat_program(wanted: Mapping[str, Any], run: Path) -> Program:
    shape = {name: int(wanted[name]) for name in ("threads", "sequences", "context")}
    command = chat_command(Path(wanted["file"]), run / wanted["socket"], sha256=str(wanted["sha256"]), **shape)
    return Program(str(wanted["process"]), command)


class Supervisor:
    """Keeps `programs` running until `stop`, and beside them those that `changing` wants at the time.

    Args:
        run: where the lock and `pids.json` stand.
        environment: added to our own for every child.
        patience: seconds that a child has to end by itself.
        master: a descriptor for `keyed` programs to inherit, and the variable that tells them its number.

    Raises:
        AlreadyRunning: the lock in `run` is held by somebody else.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        run: Path,
        environment: Mapping[str, str],
        patience: float = STOP_SECONDS,
        changing: Callable[[], Sequence[Program]] = tuple,
        master: tuple[str, int] | None = None,
    ) -> None:
        self._programs = programs
        self._changing = changing
        self._run = run
        self._environment = dict(environment)
        self._patience = patience
        self._master = master
        self._stopping = asyncio.Event()
        self._children: dict[str, asyncio.subprocess.Process] = {}
        self._code = 0
        self._lifecycle: deque[dict[str, Any]] = deque(reversed(lifecycle(run)), maxlen=MOST_LIFECYCLE)
        run.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = (run / "supervisor.lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise AlreadyRunning("Another process already runs this data directory.") from None

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> int:
        """Start everything, return when `stop` was called and every child has ended: 0, or the code of `Damaged`."""
        try:
            async with asyncio.TaskGroup() as group:
                for program in self._programs:
                    group.create_task(self._keep(program, self._stopping))
                group.create_task(self._follow())
        finally:
            (self._run / "pids.json").unlink(missing_ok=True)
            self._lock.close()
        return self._code

    async def _follow(self) -> None:
        """Run what `changing` wants; what it wants no longer, or otherwise, is ended before anything new is started."""
        kept: list[tuple[Program, asyncio.Event, asyncio.Task[None]]] = []
        while not self._stopping.is_set():
            wanted = await asyncio.to_thread(self._changing)
            unwanted = [one for one in kept if one[0] not in wanted]
            await _over(unwanted)
            kept = [one for one in kept if one not in unwanted]
            for program in wanted:
                if all(program != one for one, _, _ in kept):
                    over = asyncio.Event()
                    kept.append((program, over, asyncio.create_task(self._keep(program, over))))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FOLLOW_SECONDS):
                    await self._stopping.wait()
        await _over(kept)

    async def _keep(self, program: Program, over: asyncio.Event) -> None:
        """Keep a program running until `over`."""
        pause = PAUSE_LEAST
        while program.after is not None and not program.after.exists() and not over.is_set():
            await asyncio.sleep(LOOK_SECONDS)
        handed = [] if self._master is None or not program.keyed else [self._master]
        while not over.is_set():
            started = time.monotonic()
            child = await asyncio.create_subprocess_exec(
                *program.command,
                stdin=asyncio.subprocess.DEVNULL,
                # The log goes to standard error. What is left is said to those who start a program alone and wait for it.
                stdout=asyncio.subprocess.DEVNULL,
                env=os.environ | self._environment | {name: str(descriptor) for name, descriptor in handed},
                pass_fds=[descriptor for _, descriptor in handed],
                start_new_session=True,
                preexec_fn=end_with_parent(),
            )
            try:
                self._children[program.name] = child
                self._write_pids()
                self._note(program.name, child.pid, "started")
                ended = asyncio.create_task(child.wait())
                stopping = asyncio.create_task(over.wait())
                await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
                stopping.cancel()
            finally:
                await end(child, patience=self._patience)
                del self._children[program.name]
                self._write_pids()
                self._note(program.name, child.pid, "stopped" if over.is_set() else "ended", _why(child.returncode))
            if over.is_set():
                return
            if program.vital and child.returncode == Damaged.exit_code:
                self._code = child.returncode
                self.stop()
                return
            pause = PAUSE_LEAST if time.monotonic() - started > QUIET_SECONDS else pause
            _say(f"{program.name} ended ({_why(child.returncode)}); starting it again")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await over.wait()
            pause = min(pause * 2, PAUSE_MOST)

    def _write_pids(self) -> None:
        self._write(
            "pids.json", {"supervisor": os.getpid()} | {name: child.pid for name, child in self._children.items()}
        )

    def _note(self, name: str, pid: int, event: str, why: str | None = None) -> None:
        at = dt.datetime.now(dt.UTC).isoformat()
        self._lifecycle.append({"process": name, "pid": pid, "event": event, "why": why, "at": at})
        self._write("lifecycle.json", list(self._lifecycle))

    def _write(self, name: str, content: object) -> None:
        temporary = self._run / f"{name}.new"
        try:
            temporary.write_text(json.dumps(content))
            temporary.replace(self._run / name)
        except OSError as error:
            # A full disk is no reason to end the programs that run.
            _say(f"the list of processes cannot be written ({error.strerror})")


def _say(text: str) -> None:
    # Where it goes may be a file on the same full disk.
    with contextlib.suppress(OSError):
        print(f"outpost: {text}", file=sys.stderr, flush=True)


async def _over(kept: Sequence[tuple[Program, asyncio.Event, asyncio.Task[None]]]) -> None:
    """End these programs, and return when they have ended."""
    for _, over, _ in kept:
        over.set()
    await asyncio.gather(*(keeping for _, _, keeping in kept))


def _why(returncode: int | None) -> str:
    if returncode is not None and returncode < 0:
        with contextlib.suppress(ValueError):  # most real-time signals have no name
            return signal.Signals(-returncode).name
    return f"exit {returncode}"
