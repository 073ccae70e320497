"""`outpost tenant …`: plants of this node, through the owner's door."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import httpx

from appliance.client import answered, open_door
from appliance.commands.people import USERS
from appliance.identity.errors import NoTenant
from appliance.identity.rules import folded
from appliance.identity.tenants import NotConfirmed

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


async def delete_tenant(socket: Path, slug: str, *, now: bool, confirm: str | None, as_json: bool) -> int:
    """Delete a plant; to have it erased at once its short name is typed once more.

    Raises:
        NotRunning, Refused, NoTenant: nothing was changed.
        NotConfirmed: something else was typed.
    """
    async with open_door(socket) as door:
        if (known := await _named(door, slug)) is None:
            raise NoTenant("This node has no plant of that short name.")
        if now and confirm is None:
            print(f"{known['name']}: its documents, people and conversations are erased, and nothing brings them back.")
            confirm = await asyncio.to_thread(input, "Type its short name to erase it now: ")
        if now and folded(confirm or "") != known["slug"]:
            raise NotConfirmed("The short name that was typed is not that of the plant.")
        query = {"confirm": known["slug"], "now": str(now).lower()}
        gone = answered(await door.delete(f"{TENANTS}/{known['id']}", params=query))
    if as_json:
        print(json.dumps(gone))
        return 0
    print(_line(gone))
    print("It is erased within a minute." if now else f"Until then `outpost tenant on {gone['slug']}` undoes it.")
    return 0


async def _named(door: httpx.AsyncClient, slug: str) -> dict[str, Any] | None:
    items = answered(await door.get(TENANTS))["items"]
    return next((one for one in items if one["slug"] == folded(slug)), None)


def _line(one: dict[str, Any]) -> str:
    return f"{one['slug']:<16} {'on ' if one['is_active'] else 'off'}  {one['name']}{_until(one)}"


def _until(one: dict[str, Any]) -> str:
    return f"  (erased on {one['purge_at'][:10]})" if one["purge_at"] else ""
