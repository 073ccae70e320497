"""`outpost vault …`: the plant's credentials, through the owner's door. A value is typed, or read from standard input."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from rich.console import Console
from rich.table import Table

from appliance.client import answered, open_door
from appliance.unlocking import typed

SECRETS: Final = "/v1/admin/vault"


async def show(socket: Path, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        found = answered(await door.get(SECRETS))
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
        return 0
    table = Table("name", "version", "since", "last used", "before good until", box=None)
    for one in found["items"]:
        moments = (str(one[key] or "-")[:19] for key in ("created_at", "last_used", "before_until"))
        table.add_row(one["name"], str(one["version"]), *moments)
    Console(highlight=False, width=None if sys.stdout.isatty() else 200).print(table)
    return 0


async def write(socket: Path, name: str, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    body = {"value": _value()}
    async with open_door(socket, tenant=tenant) as door:
        return _say(answered(await door.put(_one(name), json=body)), as_json=as_json)


async def rotate(socket: Path, name: str, hours: float, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    body = {"value": _value(), "grace_seconds": round(hours * 3600)}
    async with open_door(socket, tenant=tenant) as door:
        return _say(answered(await door.post(f"{_one(name)}/rotate", json=body)), as_json=as_json)


async def remove(socket: Path, name: str, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        response = await door.delete(_one(name))
        if not response.is_success:
            answered(response)
    sys.stdout.write(json.dumps({"removed": name}) + "\n" if as_json else f"{name} is forgotten\n")
    return 0


def _one(name: str) -> str:
    return f"{SECRETS}/{quote(name, safe='')}"


def _value() -> str:
    # Not a flag: a command line is read by every process of the box, and kept by the shell.
    return typed("value: ")


def _say(found: dict[str, Any], *, as_json: bool) -> int:
    until = f", the one before is good until {found['before_until'][:19]}" if found["before_until"] else ""
    sys.stdout.write(json.dumps(found) + "\n" if as_json else f"{found['name']}: version {found['version']}{until}\n")
    return 0
