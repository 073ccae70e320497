"""`outpost audit purge`, through the owner's door."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import sys
from pathlib import Path
from typing import Any, Final

from appliance.client import answered, open_door
from appliance.upkeep.types import PURGE

JOBS: Final = "/v1/admin/db/jobs"
LOOK_SECONDS: Final = 0.3
ENDED: Final = frozenset({"finished", "failed", "cancelled"})


async def purge_record(
    socket: Path, before: dt.datetime | None, *, dry_run: bool, tenant: str | None, as_json: bool
) -> int:
    """Have the records whose time is over removed, and stay to the end; 1 where it failed. Raises NotRunning, Refused."""
    payload: dict[str, Any] = {"dry_run": dry_run}
    if before is not None:
        payload["before"] = (before if before.tzinfo else before.replace(tzinfo=dt.UTC)).isoformat()
    async with open_door(socket, tenant=tenant) as door:
        job = answered(await door.post(JOBS, json={"type": PURGE, "payload": payload}))
        while job["state"] not in ENDED:
            await asyncio.sleep(LOOK_SECONDS)
            job = answered(await door.get(f"{JOBS}/{job['job_id']}"))
    sys.stdout.write((json.dumps(job) if as_json else _told(job, dry_run=dry_run)) + "\n")
    return 0 if job["state"] == "finished" else 1


def _told(job: dict[str, Any], *, dry_run: bool) -> str:
    if job["state"] != "finished":
        return f"nothing more was purged: {(job['error'] or {}).get('detail', job['reason'] or job['state'])}"
    done = job["result"]
    told = f"{done['records']} records {'would go' if dry_run else 'are gone'}; the log is kept from record {done['kept_from']} on"
    if done["held_by_record"] is not None:
        told += f"\na hold names record {done['held_by_record']}, and it stays with all after it"
    return told
