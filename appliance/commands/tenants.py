"""`outpost tenant …`: plants of this node, through the owner's door."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import httpx

from appliance.client import answered, open_door
from appliance.commands.people import USERS
from appliance.identity.errors import NoTenant
from appliance.identity.rules import folded

TENANTS: Final = "/v1/admin/tenants"
FIRST: Final = "admin"
"""The name of the first person of a plant."""


async def list_tenants(socket: Path, *, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket) as door:
        found = answered(await door.get(TENANTS))
    if as_json:
        print(json.dumps(found))
    for one in () if as_json else found["items"]:
        print(_line(one))
    return 0


async def add_tenant(socket: Path, slug: str, name: str, *, as_json: bool) -> int:
    """Make a plant and its admin; one that was made without, by a command cut off, gets its admin now.

    Raises:
        NotRunning, Refused: the plant may have been made; the same command goes on where it ended.
    """
    async with open_door(socket) as door:
        known = await _named(door, slug)
        if known is None or known["name"] != name.strip():
            known = answered(await door.post(TENANTS, json={"slug": slug, "name": name}))
    async with open_door(socket, tenant=slug) as door:
        person = {"username": FIRST, "display_name": f"{known['name']} {FIRST}"[:120], "role": "admin"}
        made = answered(await door.post(USERS, json=person))
    if as_json:
        print(json.dumps(known | {"username": made["username"], "password": made["password"]}))
    else:
        print(_line(known))
        print(f"sign in as {made['username']} with {made['password']}    shown only now")
    return 0


async def change_tenant(socket: Path, slug: str, change: dict[str, Any], *, as_json: bool) -> int:
    """Raises NotRunning, Refused, NoTenant."""
    async with open_door(socket) as door:
        if (known := await _named(door, slug)) is None:
            raise NoTenant("This node has no plant of that short name.")
        changed = answered(await door.patch(f"{TENANTS}/{known['id']}", json=change))
    print(json.dumps(changed) if as_json else _line(changed))
    return 0


async def _named(door: httpx.AsyncClient, slug: str) -> dict[str, Any] | None:
    items = answered(await door.get(TENANTS))["items"]
    return next((one for one in items if one["slug"] == folded(slug)), None)


def _line(one: dict[str, Any]) -> str:
    return f"{one['slug']:<16} {'on ' if one['is_active'] else 'off'}  {one['name']}"
