"""`outpost recover-key`."""

from __future__ import annotations

import json
import sys
from getpass import getpass

from appliance.settings import Settings
from appliance.store import recover_master_key


async def recover(settings: Settings, *, as_json: bool) -> int:
    """Ask for the recovery code, never as an argument that others could see, and write the master key again."""
    code = getpass("recovery code: ") if sys.stdin.isatty() else sys.stdin.readline()
    recover_master_key(settings.data / "keys", code)
    sys.stdout.write(json.dumps({"recovered": True}) + "\n" if as_json else "keys/master.key is there again\n")
    return 0
