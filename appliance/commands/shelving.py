"""`outpost model …`: the shelf of the running node, through the owner's door."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import Coroutine
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx
from rich.console import Console
from rich.table import Table

from appliance.client import answered, open_door
from appliance.shelf.errors import ChatNotInstalled
from models.child import end_with_parent

INSTANCES: Final = "/v1/models/instances"
MANIFESTS: Final = "/v1/admin/models/manifests/builtins"
PATIENCE: Final = 3600.0
"""Seconds; a large model is copied from a slow stick, loaded and measured within them."""
LOOK_SECONDS: Final = 0.5

_PHASES: Final = {
    "copying": "copying and hashing",
    "checking": "checking the file",
    "trying": "loading and measuring it on this box",
    "stopping": "stopping",
    "removing": "removing",
}


async def take_in(socket: Path, wanted: dict[str, Any], *, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, timeout=PATIENCE) as door:
        found = answered(await _watched(door, door.post(INSTANCES, json=wanted), quiet=as_json))
    return _say(
        found, f"{found['name']} is on the shelf; `outpost model activate {found['name']}` tries it", as_json=as_json
    )


async def change(socket: Path, what: str, name: str | None, *, as_json: bool) -> int:
    """One change, or one test, of a model. Raises NotRunning, Refused."""
    async with open_door(socket, timeout=PATIENCE) as door:
        one = f"{INSTANCES}/{quote(name or '', safe='')}"
        requests: dict[str, tuple[str, str, dict[str, Any] | None]] = {
            "verify": ("POST", f"{one}/checks", None),
            "activate": ("POST", f"{MANIFESTS}/activations", {"model": name}),
            "rollback": ("POST", f"{MANIFESTS}/rollbacks", None),
            "deactivate": ("POST", f"{MANIFESTS}/deactivations", {"model": name}),
            "remove": ("DELETE", one, None),
            "test": ("POST", f"{one}/tests", None),
        }
        method, path, body = requests[what]
        response = await _watched(door, door.request(method, path, json=body), quiet=as_json)
        found = {"removed": name} if response.status_code == 204 else answered(response)
    return _say(found, _told(what, found), as_json=as_json)


def _told(what: str, found: dict[str, Any]) -> str:
    match what:
        case "verify":
            return f"{found['name']} is as it was taken in"
        case "activate" | "rollback":
            speed = found["measured"]
            return (
                f"{found['name']} is in force ({', '.join(found['serves'])}): {speed['prompt_tokens_per_s']:.0f} tokens/s of prompt, "
                f"{speed['decode_tokens_per_s']:.1f} of answer, {speed['seconds_per_answer']:.1f} s for a short answer"
            )
        case "deactivate":
            return f"{', '.join(one['name'] for one in found['items'])} is no longer in force"
        case "remove":
            return f"{found['removed']} is off the shelf"
        case _:
            return f"{found['model']} answered {found['completion_tokens']} tokens after {found['seconds']:.1f} s: {found['answer']}"


async def hold(socket: Path, tier: str, *, run: bool, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket) as door:
        wanted = {"tier": tier, "auto_start": run}
        found = answered(await door.post("/v1/internal/ops/auto-start-override", json=wanted))
    words = f"{found['name']} is {'held back: it does not run' if found['held'] else 'allowed to run'}"
    return _say(found, words, as_json=as_json)


async def show(socket: Path, *, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket) as door:
        found = answered(await door.get(INSTANCES))
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
        return 0
    table = Table(
        "name", "state", "kind", "size", "context", "prompt/s", "answer/s", "short answer", "licence", box=None
    )
    for one in found["items"]:
        speed = one["measured"]
        table.add_row(
            one["name"],
            _state(one),
            f"{one['architecture']} {one['quantisation']}",
            _size(one["size_bytes"]),
            str(one["context"]),
            *(
                (
                    f"{speed['prompt_tokens_per_s']:.0f}",
                    f"{speed['decode_tokens_per_s']:.1f}",
                    f"{speed['seconds_per_answer']:.1f} s",
                )
                if speed
                else ("-",) * 3
            ),
            one["licence"] or "-",
        )
        if one["reason"]:
            table.add_row("", f"  {one['reason']}")
    for one in found["built_in"]:
        table.add_row(
            one["name"], "built in", one["kind"], _size(one["size_bytes"]), "-", "-", "-", "-", one["licence"]
        )
    # In a pipe or a file a row is one line.
    Console(highlight=False, width=None if sys.stdout.isatty() else 200).print(table)
    if found["working"]:
        print(f"{found['working']['model']}: {_PHASES[found['working']['phase']]}, {found['working']['share']:.0%}")
    return 0


async def past(socket: Path, *, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket) as door:
        found = answered(await door.get(f"{MANIFESTS}/history"))
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
        return 0
    for one in found["items"]:
        why = f": {one['reason']}" if one["reason"] else ""
        print(f"{one['number']:4}  {one['at'][:19]}  {one['what']:<12} {one['model']}{why}")
    return 0


async def bench(file: Path | None, *, threads: int, as_json: bool) -> int:
    """Run `models.bench_chat` in a process of its own. Raises ChatNotInstalled."""
    if find_spec("llama_cpp") is None:
        raise ChatNotInstalled("Set-up has not built llama.cpp here.")
    with tempfile.TemporaryDirectory(prefix="op-") as folder:
        out = Path(folder) / "bench.json"
        command = [sys.executable, "-m", "models.bench_chat", "--threads", str(threads), "--out", str(out)]
        command += ["--size", "0.4B"] if file is None else ["--model", str(file)]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.DEVNULL if as_json else None, preexec_fn=end_with_parent()
        )
        code = await process.wait()
        if as_json and code == 0:
            sys.stdout.write(out.read_text(encoding="utf-8"))
    return code


async def _watched(
    door: httpx.AsyncClient, work: Coroutine[Any, Any, httpx.Response], *, quiet: bool
) -> httpx.Response:
    """Wait for a long request and say how far it is. Given up with Ctrl-C, the node gives up too."""
    task = asyncio.ensure_future(work)
    shown = ""
    try:
        while not task.done():
            await asyncio.wait([task], timeout=LOOK_SECONDS)
            if quiet or task.done() or not sys.stderr.isatty():
                continue
            with contextlib.suppress(httpx.HTTPError, ValueError):
                working = (await door.get(INSTANCES)).json()["working"]
                if working:
                    shown = f"{_PHASES[working['phase']]}, {working['share']:.0%}"
                    sys.stderr.write(f"\r\x1b[K{shown}")
                    sys.stderr.flush()
    finally:
        if shown:
            sys.stderr.write("\r\x1b[K")
        if not task.done():
            task.cancel()
    return await task


def _say(found: dict[str, Any], words: str, *, as_json: bool) -> int:
    print(json.dumps(found) if as_json else words)
    return 0


def _state(one: dict[str, Any]) -> str:
    if not one["serves"]:
        return str(one["state"])
    return f"{'held' if one['held'] else 'active'} ({','.join(one['serves'])})"


def _size(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
