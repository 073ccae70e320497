"""`outpost mail …` through the owner's door."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from appliance.client import answered, open_door


async def test(socket: Path, address: str, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        response = await door.post("/v1/admin/mail/test", json={"address": address})
        if not response.is_success:
            answered(response)
    sys.stdout.write(json.dumps({"sent": True}) + "\n" if as_json else "the mail server took it\n")
    return 0
