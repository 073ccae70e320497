"""`outpost guard violations`: what the guard found, through the owner's door."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from appliance.client import answered, open_door

VIOLATIONS: Final = "/v1/guard/violations"
PAGE: Final = 100


async def list_violations(
    socket: Path, sought: dict[str, str | None], *, most: int, tenant: str | None, as_json: bool
) -> int:
    """Print the newest, as many as `most`. Raises NotRunning, Refused."""
    found: list[dict[str, Any]] = []
    query = {name: value for name, value in sought.items() if value is not None}
    async with open_door(socket, tenant=tenant) as door:
        while len(found) < most:
            size = min(PAGE, most - len(found))
            page = answered(await door.get(VIOLATIONS, params=query | {"page_size": str(size)}))
            found += page["items"]
            if page["next_page_token"] is None:
                break
            query["page_token"] = page["next_page_token"]
    if as_json:
        print(json.dumps({"items": found}))
        return 0
    for one in found:
        times = f" x{one['count']}" if one["count"] > 1 else ""
        print(
            f"{one['at'][:16]}  {one['severity']:6}  {one['kind']:9} {one['where']:8} {one['action']:8}"
            f"  {', '.join(one['rules'])}{times}  by {one['user_id'] or 'somebody erased'}"
        )
    if not found:
        print("The guard found nothing.")
    return 0
