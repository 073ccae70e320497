"""`outpost cards …`, through the owner's door."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from appliance.client import answered, open_door

LOOK_SECONDS: Final = 1.0
ENDED: Final = frozenset({"finished", "failed", "cancelled"})


async def build(socket: Path, *, tenant: str | None, wait: bool, as_json: bool) -> int:
    """Have cards made; with `wait` stay to the end, and return 1 where it failed. Raises NotRunning, Refused."""
    console = Console(highlight=False, stderr=True)
    async with open_door(socket, tenant=tenant) as door:
        job = answered(await door.post("/v1/cards/builds"))
        told = ""
        while wait:
            job = answered(await door.get(f"/v1/jobs/{job['job_id']}"))
            if job["state"] in ENDED:
                break
            if job["word"] != told and not as_json:
                told = job["word"]
                console.print(Text(f"{job['progress']:.0%}  {told}", style="dim"))
            await asyncio.sleep(LOOK_SECONDS)
    if as_json:
        sys.stdout.write(json.dumps(job, ensure_ascii=False) + "\n")
    elif not wait:
        sys.stdout.write(f"job {job['job_id']} makes them\n")
    else:
        result = job["result"] or {}
        sys.stdout.write(f"{job['state']}: {result.get('cards', 0)} cards {result.get('skipped', '')}".rstrip() + "\n")
    return 1 if job.get("state") in {"failed", "cancelled"} else 0


async def listed(socket: Path, *, tenant: str | None, as_json: bool) -> int:
    """Print the cards, newest first. Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        found = answered(await door.get("/v1/cards"))
    if as_json:
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
        return 0
    console = Console(highlight=False, soft_wrap=True)
    for card in found["items"]:
        console.print(Text(card["question"], style="bold"))
        console.print(Text(f"  {card['text']}"))
        revision = f"revision {card['revision']}, " if card["revision"] else ""
        console.print(Text(f"  {revision}{card['model']}, {card['made_at'][:16]}", style="dim"))
    if not found["items"]:
        console.print("No cards. `outpost cards build` makes them where a chat model is in force.", style="yellow")
    return 0
