"""`outpost limits …`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from appliance.client import answered, open_door
from appliance.limits.errors import BadLimit

LIMITS: Final = "/v1/admin/limits"


async def show_limits(socket: Path, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        found = answered(await door.get(LIMITS))
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
        return 0
    ceiling = found["rate_limit_per_minute"]
    if found["environment"] == "development":
        print(f"development: each person at most {ceiling} a minute, and nothing else")
    else:
        print(f"{found['environment']}: nobody more than {ceiling} a minute")
        _print_rates(found["roles"])
        _print_rates({"the whole plant": found["tenant"]} | {f"plant {k}": v for k, v in found["tenants"].items()})
        _print_rates(found["routes"])
        _print_rates({f"scope {name}": rate for name, rate in found["scopes"].items()})
    for one in found["set"]:
        print(_set_line(one))
    for one in found["used"]:
        whose = one["subject"] or "the whole plant"
        print(f"used {one['used']:>6} in {one['seconds']:>4} s  {whose}  {one['what']}")
    return 0


async def reset_limits(socket: Path, subject: str | None, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        done = answered(await door.post(f"{LIMITS}/reset", json={"subject": subject}))
    print(json.dumps(done) if as_json else f"{done['windows']} windows begin afresh")
    return 0


async def set_limit(
    socket: Path, places: dict[str, str], *, minute: int | None, hour: int | None, tenant: str | None, as_json: bool
) -> int:
    """Raises BadLimit, NotRunning, Refused."""
    named = [(scope, subject) for scope, subject in places.items() if subject]
    if len(named) > 1:
        raise BadLimit("A limit is of a role, of a person or of a route: name one of them.")
    scope, subject = named[0] if named else ("plant", "")
    wanted = {"scope": scope, "subject": subject, "minute": minute, "hour": hour}
    async with open_door(socket, tenant=tenant) as door:
        made = answered(await door.put(f"{LIMITS}/set", json=wanted))
    print(json.dumps(made) if as_json else _set_line(made))
    return 0


async def unset_limit(socket: Path, limit_id: str, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        response = await door.delete(f"{LIMITS}/set/{quote(limit_id, safe='')}")
        if not response.is_success:
            answered(response)
    print(json.dumps({"unset": limit_id}) if as_json else "the policy pack's limit holds again")
    return 0


def _set_line(one: dict[str, Any]) -> str:
    whose = "the whole plant" if one["scope"] == "plant" else f"{one['scope']} {one['subject']}"
    return f"set  {one['id']}  {whose}: {_spans(one)}"


def _print_rates(rates: dict[str, Any]) -> None:
    for name, rate in rates.items():
        print(f"  {name:<16} {_spans(rate)}")


def _spans(rate: dict[str, Any]) -> str:
    spans = [f"{rate[span]} a{'n' if span == 'hour' else ''} {span}" for span in ("minute", "hour") if rate[span]]
    return ", ".join(spans)
