"""`outpost duty …`: what people are asked to do beside their role, through the owner's door."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from appliance.client import answered, every, open_door
from appliance.commands.people import USERS, person_named


async def list_duties(socket: Path, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        found = [one async for one in every(door, USERS) if one["duties"]]
    if as_json:
        print(json.dumps({"items": [{"username": one["username"], "duties": one["duties"]} for one in found]}))
    for one in () if as_json else found:
        print(_line(one))
    return 0


async def give_duty(socket: Path, who: str, duty: str, until: str | None, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused, UnknownPerson."""
    async with open_door(socket, tenant=tenant) as door:
        person = await person_named(door, who)
        kept = [one for one in person["duties"] if one["duty"] != duty]
        return await _set(door, person, [*kept, {"duty": duty, "until": until}], as_json=as_json)


async def take_duty(socket: Path, who: str, duty: str, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused, UnknownPerson."""
    async with open_door(socket, tenant=tenant) as door:
        person = await person_named(door, who)
        kept = [one for one in person["duties"] if one["duty"] != duty]
        return await _set(door, person, kept, as_json=as_json)


async def _set(door: httpx.AsyncClient, person: dict[str, Any], duties: list[dict[str, Any]], *, as_json: bool) -> int:
    changed = answered(await door.patch(f"{USERS}/{person['id']}", json={"duties": duties}))
    told = {"id": changed["id"], "username": changed["username"], "duties": changed["duties"]}
    print(json.dumps(told) if as_json else _line(changed))
    return 0


def _line(one: dict[str, Any]) -> str:
    held = [each["duty"] + (f" until {each['until']}" if each["until"] else "") for each in one["duties"]]
    return f"{one['username']}: {', '.join(held) or 'no duties'}"
