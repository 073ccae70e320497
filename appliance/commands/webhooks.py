"""`outpost webhook …` through the owner's door. Each raises NotRunning, Refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from rich.console import Console
from rich.table import Table

from appliance.client import answered, open_door

WEBHOOKS: Final = "/v1/webhooks"


async def show(socket: Path, *, tenant: str | None, as_json: bool) -> int:
    async with open_door(socket, tenant=tenant) as door:
        found = answered(await door.get(WEBHOOKS))
    rows = [
        (
            one["id"], one["name"], one["url"], "on" if one["enabled"] else "off", str(one["waiting"]),
            one["problem"] or "-", " ".join(one["kinds"]),
        )
        for one in found["items"]
    ]  # fmt: skip
    return _table(found, ("id", "name", "address", "", "waiting", "problem", "hears of"), rows, as_json=as_json)


async def add(socket: Path, name: str, url: str, kinds: Sequence[str], *, tenant: str | None, as_json: bool) -> int:
    body = {"name": name, "url": url, "kinds": list(kinds)}
    async with open_door(socket, tenant=tenant) as door:
        made = answered(await door.post(WEBHOOKS, json=body))
    return _secret(made, f"{name} is {made['webhook']['id']}\n", as_json=as_json)


async def remove(socket: Path, one: UUID, *, tenant: str | None, as_json: bool) -> int:
    async with open_door(socket, tenant=tenant) as door:
        response = await door.delete(f"{WEBHOOKS}/{one}")
        if not response.is_success:
            answered(response)
    sys.stdout.write(json.dumps({"removed": str(one)}) + "\n" if as_json else "removed\n")
    return 0


async def switch(socket: Path, one: UUID, on: bool, *, tenant: str | None, as_json: bool) -> int:
    async with open_door(socket, tenant=tenant) as door:
        found = answered(await door.patch(f"{WEBHOOKS}/{one}", json={"enabled": on}))
    sys.stdout.write(json.dumps(found) + "\n" if as_json else f"{found['name']} is {'on' if on else 'off'}\n")
    return 0


async def rotate(socket: Path, one: UUID, hours: float, *, tenant: str | None, as_json: bool) -> int:
    body = {"grace_seconds": round(hours * 3600)}
    async with open_door(socket, tenant=tenant) as door:
        return _secret(answered(await door.post(f"{WEBHOOKS}/{one}/secret", json=body)), "", as_json=as_json)


async def ping(socket: Path, one: UUID, *, tenant: str | None, as_json: bool) -> int:
    async with open_door(socket, tenant=tenant) as door:
        return _put(answered(await door.post(f"{WEBHOOKS}/{one}/test")), as_json=as_json)


async def deliveries(socket: Path, one: UUID, state: str | None, *, tenant: str | None, as_json: bool) -> int:
    query = {"page_size": "100", **({"state": state} if state else {})}
    async with open_door(socket, tenant=tenant) as door:
        found = answered(await door.get(f"{WEBHOOKS}/{one}/deliveries", params=query))
    rows = [
        (
            one["id"], one["kind"], one["state"], str(one["tries"]), one["reason"] or "-", str(one["created_at"])[:19],
        )
        for one in found["items"]
    ]  # fmt: skip
    return _table(found, ("id", "kind", "state", "answers", "reason", "since"), rows, as_json=as_json)


async def redeliver(socket: Path, one: UUID, delivery: UUID, *, tenant: str | None, as_json: bool) -> int:
    async with open_door(socket, tenant=tenant) as door:
        found = answered(await door.post(f"{WEBHOOKS}/{one}/deliveries/{delivery}/redeliver"))
    return _put(found, as_json=as_json)


def _put(found: dict[str, Any], *, as_json: bool) -> int:
    sys.stdout.write(json.dumps(found) + "\n" if as_json else f"{found['kind']} is on its way as {found['id']}\n")
    return 0


def _secret(found: dict[str, Any], before: str, *, as_json: bool) -> int:
    said = f"{before}secret, shown this once: {found['secret']}\n"
    sys.stdout.write(json.dumps(found) + "\n" if as_json else said)
    return 0


def _table(found: dict[str, Any], heads: Sequence[str], rows: Sequence[Sequence[str]], *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(json.dumps(found) + "\n")
        return 0
    table = Table(*heads, box=None)
    for row in rows:
        table.add_row(*row)
    Console(highlight=False, width=None if sys.stdout.isatty() else 200).print(table)
    return 0
