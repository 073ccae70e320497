"""`outpost schedule …`, through the owner's door."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from rich.console import Console
from rich.table import Table

from appliance.client import answered, open_door

SCHEDULES: Final = "/v1/admin/schedules"
LOOK_SECONDS: Final = 0.5
ENDED: Final = frozenset({"finished", "failed", "cancelled"})


async def list_schedules(socket: Path, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        found = answered(await door.get(SCHEDULES))
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
        return 0
    table = Table("name", "what and when", "last run", "outcome", "next run", box=None, pad_edge=False)
    for one in found["items"]:
        table.add_row(
            one["name"], one["says"], _moment(one["last_run_at"]), _outcome(one["last"]), _moment(one["next_run_at"])
        )
    Console(highlight=False, soft_wrap=not sys.stdout.isatty()).print(table)
    return 0


async def run_schedule(socket: Path, name: str, *, tenant: str | None, wait: bool, as_json: bool) -> int:
    """Start it, and with `wait` stay to its end; 1 where it failed. Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        job = answered(await door.post(f"{SCHEDULES}/{quote(name, safe='')}/run"))
        while wait and job["state"] not in ENDED:
            await asyncio.sleep(LOOK_SECONDS)
            job = answered(await door.get(f"/v1/jobs/{job['job_id']}"))
    sys.stdout.write((json.dumps(job) if as_json else f"{name}: {_outcome(job)}, job {job['job_id']}") + "\n")
    return 1 if job["state"] in {"failed", "cancelled"} else 0


def _moment(text: str | None) -> str:
    return "never" if text is None else text[:16].replace("T", " ")


def _outcome(job: dict[str, Any] | None) -> str:
    if job is None:
        return ""
    why = (job["error"] or {}).get("detail", job["reason"]) if job["state"] == "failed" else None
    return f"{job['state']}: {why}" if why else str(job["state"])
