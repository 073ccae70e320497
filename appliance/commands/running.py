"""`outpost run`: the supervisor in the foreground, the demo plant if asked for, and what a person needs to begin."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

from appliance.processes import DEMO, DEMO_MARK, INITIALISED
from appliance.settings import Settings
from appliance.supervisor import Supervisor, node_programs, wait_until_ready

READY_SECONDS = 60.0


async def run_node(settings: Settings, *, demo: bool) -> int:
    """Run until SIGINT or SIGTERM; 0 after an orderly stop.

    Raises:
        AlreadyRunning: another supervisor holds this data directory.
        NotRunning: the node did not become ready.
    """
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    supervisor = Supervisor(
        node_programs(settings.share, settings.models_socket), run=settings.run, environment=settings.environment()
    )
    if not (settings.data / INITIALISED).exists() or (demo and not (settings.data / DEMO_MARK).exists()):
        code = await _child(settings, "init", *([DEMO] if demo else []))
        if code != 0:
            return code
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, supervisor.stop)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(supervisor.run())
        greeting = group.create_task(_greet(settings, demo=demo, supervisor=supervisor))
        await asyncio.wait({running, greeting}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            greeting.cancel()
    return 0


async def _greet(settings: Settings, *, demo: bool, supervisor: Supervisor) -> None:
    _say(f"starting the node in {_short(settings)} …")
    try:
        seconds = await wait_until_ready(settings.socket, seconds=READY_SECONDS)
    except BaseException:
        supervisor.stop()
        raise
    address = f"http://{settings.host}:{settings.port}"
    _say(f"ready after {seconds:.1f} s: {address}")
    if demo:
        if await _child(settings, "seed") != 0:
            _say("the demo plant could not be filled in; what is there can be used")
        _show_sign_ins(settings, address)
    _say("Ctrl-C stops it.")


def _show_sign_ins(settings: Settings, address: str) -> None:
    path = settings.data / "credentials.json"
    if not path.exists():
        return
    _say(f"console: {address}/console    sign in with one of these (they stand in {path.name} too):")
    for one in json.loads(path.read_text()):
        print(f"    {one['tenant']:<8} {one['username']:<10} {one['password']:<24} {one['role']}", flush=True)


def _short(settings: Settings) -> str:
    return "/".join(settings.data.parts[-2:])


async def _child(settings: Settings, *words: str) -> int:
    command = [sys.executable, "-m", "appliance", *words]
    child = await asyncio.create_subprocess_exec(*command, env=os.environ | settings.environment())
    return await child.wait()


def _say(text: str) -> None:
    print(f"outpost: {text}", flush=True)
