"""`outpost reset-factors`: the owner's way to let somebody in who lost phone and recovery codes."""

from __future__ import annotations

import json
from pathlib import Path

from appliance.client import answered, open_door
from appliance.identity.errors import UnknownPerson
from appliance.identity.rules import folded

USERS = "/v1/admin/users"


async def reset_factors(socket: Path, username: str, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused, UnknownPerson."""
    query = {"page_size": "100"}
    async with open_door(socket, tenant=tenant) as door:
        while True:
            found = answered(await door.get(USERS, params=query))
            person = next((one for one in found["items"] if one["username"] == folded(username)), None)
            if person is not None or found["next_page_token"] is None:
                break
            query["page_token"] = found["next_page_token"]
        if person is None:
            raise UnknownPerson("Nobody of that name is here.")
        response = await door.delete(f"{USERS}/{person['id']}/factors")
        if not response.is_success:
            answered(response)
    told = {"id": person["id"], "username": person["username"]}
    print(json.dumps(told) if as_json else "removed; the password alone is asked for until a new one is set up")
    return 0
