"""`outpost run`: the supervisor in the foreground, the demo plant if asked for, and what a person needs to begin."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from appliance.errors import Conflict
from appliance.processes import CREDENTIALS, DEMO, INITIALISED
from appliance.settings import DEMO_MARK, Settings
from appliance.supervisor import Supervisor, chat_programs, node_programs
from appliance.tls.required import require
from appliance.waiting import wait_until_free, wait_until_ready
from models.child import end, end_with_parent

SMALL_BOX = {"OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
"""Threads that spin while they wait, and an arena of memory for each thread, are for bigger machines."""
READY_SECONDS = 60.0
WAIT_SECONDS = 1.0
"""How often is looked whether the stick with the key is there."""
FREE_SECONDS = 3.0
"""What a node that was killed, and whose processes are just ending, may hold the address for."""

T = TypeVar("T")


class DemoInProduction(Conflict):
    """An installation that is said to be in production was to be filled with the demo plant and its sign-ins."""

    code, title = "demo-in-production", "No demo in production"
    hint = "Leave --demo out, or OUTPOST_ENVIRONMENT; a demo has a data directory of its own."


async def run_node(settings: Settings, *, demo: bool, passphrase_fd: int | None = None) -> int:
    """Run until SIGINT or SIGTERM; 0 after an orderly stop, another code after one of our processes has said why.

    Raises:
        AlreadyRunning: another supervisor holds this data directory.
        AddressTaken: another program listens where this node was told to.
        NotRunning: the node did not become ready.
        UiNotBuilt, TlsRequired: set-up is missing; nothing was made.
        DemoInProduction: nothing was made.
        PassphraseNeeded, WrongPassphrase, NoTpm: the master key cannot be had.
    """
    if demo and settings.profile_given == "production":
        raise DemoInProduction("The demo plant and its sign-ins do not go into production.")
    _require_interface(settings.share / "webui")
    require(settings)
    os.umask(0o077)
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Nothing runs yet that a signal would have to end in order.
    master = await _master(settings, passphrase_fd)
    programs = node_programs(settings.share, settings.models_socket, settings.socket)
    supervisor = Supervisor(
        programs,
        run=settings.run,
        environment=settings.environment() | SMALL_BOX,
        changing=partial(chat_programs, settings.serving),
        master=master,
    )
    # Left behind by a kill; nobody can listen on it, because the supervisor's lock is ours.
    settings.socket.unlink(missing_ok=True)
    # The shelf says what to serve once it has checked it.
    settings.serving.unlink(missing_ok=True)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await wait_until_free(settings.host, settings.port, seconds=FREE_SECONDS)
    if not (settings.data / INITIALISED).exists() or (demo and not (settings.data / DEMO_MARK).exists()):
        code = await _unless(stopped, _child(settings, "init", *([DEMO] if demo else []), master=master))
        if code != 0:
            return code or 0
    running = asyncio.create_task(supervisor.run())
    running.add_done_callback(lambda _: stopped.set())
    try:
        await _unless(stopped, _greet(settings, demo=demo))
        await stopped.wait()
    finally:
        supervisor.stop()
        code = await running
    return code


async def _master(settings: Settings, passphrase_fd: int | None) -> tuple[str, int] | None:
    """The master key, ready to be handed to those that open what is stored; None where it lies in a file, as in a demo."""
    keys = settings.data / "keys"
    if not any((keys / name).exists() for name in ("master.json", "switch")):
        return None
    # The supervisor of a demo has no use for what opens the other modes.
    from appliance import unlocking

    if not await unlocking.settled(keys):
        return None
    if missing := unlocking.waiting_for(keys):
        _say(f"waiting for the key: plug in and mount what holds {missing}")
    while unlocking.waiting_for(keys):
        await asyncio.sleep(WAIT_SECONDS)
    return unlocking.HANDED, unlocking.in_memory(unlocking.unlock(keys, passphrase_fd))


def _require_interface(root: Path) -> None:
    """No new start of the server mends what set-up has not done."""
    if not (root / "index.html").is_file():
        # A supervisor has no use for the framework that comes with it.
        from appliance.static import UiNotBuilt

        raise UiNotBuilt(f"There is no index.html in {root}.")


async def _unless(stopped: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """What `work` returns; None if `stopped` was set before, and the work was given up."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stopped.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        return working.result()
    working.cancel()
    await asyncio.wait({working})
    return None


async def _greet(settings: Settings, *, demo: bool) -> None:
    _say(f"starting the node in {_short(settings.data)} …")
    seconds = await wait_until_ready(settings.socket, seconds=READY_SECONDS)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"{'https' if require(settings) else 'http'}://{host}:{settings.port}"
    _say(f"ready after {seconds:.1f} s: {address}")
    if demo and await _child(settings, "seed") != 0:
        _say("the demo plant could not be filled in; what is there can be used")
    _show_sign_ins(settings, address, demo=demo)
    _say("Ctrl-C stops it.")


def _show_sign_ins(settings: Settings, address: str, *, demo: bool) -> None:
    """The passwords of a demo are for everybody's eyes; those of a plant are not for whoever stands at the screen."""
    path = settings.data / CREDENTIALS
    if not path.exists():
        return
    if not demo:
        _say(f"console: {address}/console    the first sign-ins stand in {_short(path)}")
        return
    _say(f"console: {address}/console    sign in with one of these (they stand in {path.name} too):")
    for one in json.loads(path.read_text()):
        print(f"    {one['tenant']:<8} {one['username']:<10} {one['password']:<24} {one['role']}", flush=True)


def _short(path: Path) -> str:
    """As somebody would write it who stands where we do."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


async def _child(settings: Settings, *words: str, master: tuple[str, int] | None = None) -> int:
    """Run one of our processes to its end; given up, it is ended first."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "appliance", *words),
        env=os.environ | settings.environment() | ({} if master is None else {master[0]: str(master[1])}),
        pass_fds=() if master is None else (master[1],),
        start_new_session=True,
        preexec_fn=end_with_parent(),
    )
    try:
        return await child.wait()
    finally:
        await end(child)


def _say(text: str) -> None:
    print(f"outpost: {text}", flush=True)
