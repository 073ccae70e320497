"""People through the owner's door: `outpost reset-factors` and `reset-password` let somebody in who lost theirs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx

from appliance.client import answered, every, open_door
from appliance.identity.errors import UnknownPerson
from appliance.identity.passwords import generated
from appliance.identity.rules import folded

USERS = "/v1/admin/users"


async def person_named(door: httpx.AsyncClient, username: str) -> dict[str, Any]:
    """Raises Refused, UnknownPerson."""
    async for one in every(door, USERS):
        if one["username"] == folded(username):
            return one
    raise UnknownPerson("Nobody of that name is here.")


async def reset_factors(socket: Path, username: str, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused, UnknownPerson."""
    async with open_door(socket, tenant=tenant) as door:
        person = await person_named(door, username)
        response = await door.delete(f"{USERS}/{person['id']}/factors")
        if not response.is_success:
            answered(response)
    told = {"id": person["id"], "username": person["username"]}
    print(json.dumps(told) if as_json else "removed; the password alone is asked for until a new one is set up")
    return 0


async def reset_password(socket: Path, username: str, *, tenant: str | None, as_json: bool) -> int:
    """Give somebody a password for one sign-in, shown this once. Raises NotRunning, Refused, UnknownPerson."""
    async with open_door(socket, tenant=tenant) as door:
        person = await person_named(door, username)
        password = generated()
        answered(await door.patch(f"{USERS}/{person['id']}", json={"password": password, "unlock": True}))
    told = {"id": person["id"], "username": person["username"], "password": password}
    print(json.dumps(told) if as_json else f"{password}\ngood for one sign-in, which asks for a password of their own")
    return 0
