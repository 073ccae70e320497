"""`outpost sign-in …`: identity providers of a plant, through the owner's door."""

from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path
from typing import Any, Final

from appliance.cli_parts import PathUnusable
from appliance.client import answered, open_door

SIGN_IN: Final = "/v1/admin/sign-in"
TEST_SECONDS: Final = 90.0
_READ_ONLY: Final = ("has_secret", "redirect_uri", "changed_at", "entity_id", "acs_url")
"""What `show` says and `set` does not take: so that the one's output can be the other's input."""


async def show(socket: Path, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        found = answered(await door.get(SIGN_IN))
    return _say(found, as_json=as_json)


async def write(socket: Path, file: Path, *, ask_secret: bool, tenant: str | None, as_json: bool) -> int:
    """Raises PathUnusable, NotRunning, Refused."""
    try:
        wanted = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        raise PathUnusable(f"{file} is no JSON.") from None
    for one in wanted.values() if isinstance(wanted, dict) else ():
        for name in _READ_ONLY if isinstance(one, dict) else ():
            one.pop(name, None)
    if ask_secret and isinstance(wanted, dict) and isinstance(wanted.get("oidc"), dict):
        # Not a flag: a command line is read by every process of the box, and kept by the shell.
        secret = getpass.getpass("secret: ") if sys.stdin.isatty() else sys.stdin.readline().strip()
        wanted["oidc"]["client_secret"] = secret
    async with open_door(socket, tenant=tenant) as door:
        found = answered(await door.put(SIGN_IN, json=wanted))
    return _say(found, as_json=as_json)


async def examine(socket: Path, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant, timeout=TEST_SECONDS) as door:
        items = answered(await door.post(f"{SIGN_IN}/tests"))["items"]
    if as_json:
        print(json.dumps({"items": items}))
    else:
        for one in items or [{"kind": "-", "subject": "providers", "ok": False, "fact": "none is set"}]:
            print(f"{'ok  ' if one['ok'] else 'bad '} {one['kind']} {one['subject']}: {one['fact']}")
    return 0 if items and all(one["ok"] for one in items) else 1


def _say(found: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        print(json.dumps(found))
        return 0
    for kind in ("oidc", "saml"):
        one = found[kind]
        if one is None:
            print(f"{kind}: none")
            continue
        print(f"{kind}: {one['title']}{'' if one['enabled'] else ' (switched off)'}")
        print(f"  issuer       {one['issuer']}")
        for name in ("client_id", "profile", "redirect_uri", "sso_url", "entity_id", "acs_url"):
            if name in one:
                print(f"  {name:<12} {one[name]}")
        for group, role in sorted(one["groups"].items()):
            print(f"  {role:<12} {group}")
        print(
            f"  otherwise    {one['default_role'] or 'refused'}; new people {'come in' if one['allow_new'] else 'are refused'}"
        )
    return 0
