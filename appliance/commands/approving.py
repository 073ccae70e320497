"""`outpost approval …`: what data owners are asked and answer, through the owner's door."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from appliance.client import answered, open_door


async def listed(socket: Path, state: str | None, *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    wanted = {"page_size": 100} | ({} if state is None else {"state": state})
    async with open_door(socket, tenant=tenant) as door:
        found = answered(await door.get("/v1/approvals", params=wanted))
    if as_json:
        return _say(found, "", as_json=True)
    table = Table("id", "state", "asks for", "document", "what for", "until", box=None)
    for one in found["items"]:
        kind = f"class {one['classification']}" if one["classification"] else one["regime"] or one["kind"]
        document = one["document"] or one["document_id"]
        table.add_row(one["id"], one["state"], kind, document, one["purpose"], (one["until"] or "")[:10])
    Console(highlight=False, width=None if sys.stdout.isatty() else 200).print(table)
    return 0


async def ask(socket: Path, document: str, wanted: dict[str, Any], *, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        made = answered(await door.post(f"/v1/documents/{document}/approvals", json=wanted))
    return _say(made, f"asked: {made['id']}", as_json=as_json)


async def decide(socket: Path, approval: str, *, approve: bool, answer: str, tenant: str | None, as_json: bool) -> int:
    """Raises NotRunning, Refused."""
    async with open_door(socket, tenant=tenant) as door:
        body = {"approve": approve, "answer": answer}
        done = answered(await door.post(f"/v1/approvals/{approval}/decision", json=body))
    waits = f": {len(done['agreed'])} of {done['needed']} have agreed" if done["state"] == "pending" else ""
    return _say(done, f"{done['state']}{waits}", as_json=as_json)


def _say(found: Any, words: str, *, as_json: bool) -> int:
    sys.stdout.write(f"{json.dumps(found) if as_json else words}\n")
    return 0
