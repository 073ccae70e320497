"""`outpost key …`: the API keys of a plant, through the owner's door."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from appliance.client import answered, open_door

KEYS: Final = "/v1/api-keys"


async def list_keys(socket: Path, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    items: list[dict[str, Any]] = []
    query = {"page_size": "100"}
    async with open_door(socket, tenant=tenant) as door:
        while True:
            found = answered(await door.get(KEYS, params=query))
            items += found["items"]
            if found["next_page_token"] is None:
                break
            query["page_token"] = found["next_page_token"]
    if as_json:
        print(json.dumps({"items": items}))
        return 0
    for one in items:
        print(_line(one))
    return 0


async def create_key(socket: Path, wanted: dict[str, Any], *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        made = answered(await door.post(KEYS, json=wanted))
    print(json.dumps(made) if as_json else f"{made['key']}\nshown only now; it works until {made['expires_at'][:10]}")
    return 0


async def issue_token(socket: Path, wanted: dict[str, Any], *, tenant: str | None, as_json: bool) -> int:
    """The token alone stands on the output, for a script to take. Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        made = answered(await door.post(KEYS, json=wanted))
    print(json.dumps(made) if as_json else made["key"])
    return 0


async def rotate_key(socket: Path, key: str, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        made = answered(await door.post(f"{KEYS}/{quote(key, safe='')}/rotate"))
    print(json.dumps(made) if as_json else f"{made['key']}\nshown only now; the one before it no longer works")
    return 0


async def revoke_key(socket: Path, key: str, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        revoked = answered(await door.delete(f"{KEYS}/{quote(key, safe='')}"))
    print(json.dumps(revoked) if as_json else _line(revoked))
    return 0


def _line(one: dict[str, Any]) -> str:
    state = "works" if one["is_active"] else "off"
    used = (one["last_used_at"] or "never used")[:10]
    return (
        f"{one['id']}  {one['prefix']}…  {state:5}  until {one['expires_at'][:10]}  {used:10}"
        f"  {one['role']}/{one['clearance']}  {one['name']}: {', '.join(one['scopes'])}"
    )
