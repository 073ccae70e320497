"""`outpost provider …` and `outpost model default`: who writes answers, through the owner's door."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from rich.console import Console
from rich.table import Table

from appliance.client import answered, open_door
from appliance.routing.errors import BadProvider

PROVIDERS: Final = "/v1/admin/models/providers"
DEFAULTS: Final = "/v1/models/defaults"
MEASURING_SECONDS: Final = 600.0


async def show(socket: Path, *, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket) as door:
        found = answered(await door.get(PROVIDERS))
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
        return 0
    table = Table("provider", "kind", "model", "tiers", "answers", "breaker", "first", "class", "address", box=None)
    for one in found["items"]:
        for route in one["routes"] or [{"name": "-", "tiers": [], "up": None, "breaker": "-"}]:
            table.add_row(
                one["name"], one["kind"], route["name"], ",".join(route["tiers"]), _answers(route), route["breaker"],
                str(one["priority"]) if one["enabled"] else "off", str(one["clearance"]), one["base_url"] or "-",
            )  # fmt: skip
    # In a pipe or a file a row is one line.
    Console(highlight=False, width=None if sys.stdout.isatty() else 200).print(table)
    return 0


def _answers(route: dict[str, Any]) -> str:
    if route["up"] is None:
        return "-"
    return f"in {route['latency_ms']:.0f} ms" if route["up"] else "no"


async def add(socket: Path, wanted: dict[str, Any], models: Sequence[str], *, ask_key: bool, as_json: bool) -> int:
    """Raises BadProvider, NotRunning, Refused."""
    wanted["models"] = [_model(one) for one in models]
    if ask_key:
        # Not a flag: a command line is read by every process of the box, and kept by the shell.
        wanted["key"] = getpass.getpass("key: ") if sys.stdin.isatty() else sys.stdin.readline().strip()
    async with open_door(socket, timeout=MEASURING_SECONDS) as door:
        found = answered(await door.post(f"{PROVIDERS}/register", json=wanted))
    return _say(found, _measured(found), as_json=as_json)


async def change(
    socket: Path, name: str, wanted: dict[str, Any], *, main: bool, tenant: str | None, as_json: bool
) -> int:
    """Raises NotRunning, Refused."""
    given = {key: value for key, value in wanted.items() if value is not None}
    async with open_door(socket, tenant=tenant) as door:
        if main:
            response = await door.put(f"{PROVIDERS}/default", json={"provider": name, "scope": "tenant"})
            if not response.is_success:
                answered(response)
        response = await door.patch(_one(name), json=given) if given else await door.get(_one(name))
        found = answered(response)
    state = "" if found["enabled"] else ", switched off"
    return _say(
        found, f"{found['name']}: priority {found['priority']}, class {found['clearance']}{state}", as_json=as_json
    )


async def measure(socket: Path, name: str, *, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, timeout=MEASURING_SECONDS) as door:
        found = answered(await door.post(f"{_one(name)}/tests"))
    return _say(found, _measured(found), as_json=as_json)


async def remove(socket: Path, name: str, *, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket) as door:
        response = await door.delete(_one(name))
        if not response.is_success:
            answered(response)
    return _say({"removed": name}, f"{name} is asked no longer", as_json=as_json)


async def defaults(socket: Path, wanted: dict[str, Any] | None, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        response = await door.get(DEFAULTS) if wanted is None else await door.patch(DEFAULTS, json=wanted)
        found = answered(response)
    counts = found["default"]
    said = f"{counts['choice']} ({counts['scope']}); a plain question is answered by {found['served_by'] or 'nobody'}"
    return _say(found, said, as_json=as_json)


def _model(word: str) -> dict[str, Any]:
    name, _, tiers = word.rpartition("=")
    if not name:
        raise BadProvider(f"{word[:80]!r} is not MODEL=TIER.", hint="Such as Qwen/Qwen2.5-7B-Instruct=heavy.")
    return {"name": name, "tiers": tiers.split(",")}


def _measured(found: dict[str, Any]) -> str:
    speeds = (
        f"{one['name']} ({','.join(one['tiers'])}): {one['prompt_tokens_per_s']:.0f} tokens/s of prompt, "
        f"{one['decode_tokens_per_s']:.1f} of answer"
        for one in found["models"]
    )
    return "\n".join(f"{found['name']}: {one}" for one in speeds)


def _one(name: str) -> str:
    return f"{PROVIDERS}/{quote(name, safe='')}"


def _say(found: dict[str, Any], words: str, *, as_json: bool) -> int:
    print(json.dumps(found) if as_json else words)
    return 0
