"""`outpost limits …`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from appliance.client import answered, open_door

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


def _print_rates(rates: dict[str, Any]) -> None:
    for name, rate in rates.items():
        spans = [f"{rate[span]} a{'n' if span == 'hour' else ''} {span}" for span in ("minute", "hour") if rate[span]]
        print(f"  {name:<16} {', '.join(spans)}")
