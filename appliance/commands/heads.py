"""`outpost audit head`: what a person keeps of a node that no hub ever sees."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from appliance.audit.drawing import drawn, for_terminal
from appliance.audit.service import READ_HEADS, READ_OWN, AuditLog
from appliance.commands.auditing import FileExists
from appliance.errors import NotFound
from appliance.settings import Settings


async def print_head(
    settings: Settings,
    *,
    tenant: str | None,
    every: bool,
    qr: bool,
    files: Mapping[Literal["svg", "text"], Path | None],
    as_json: bool,
) -> int:
    """Print the head of a tenant's log, or of all logs, and save what is asked for.

    Raises:
        FileExists: nothing was read.
        TooMuchForPaper: the list is too long for a QR code.
    """
    from appliance.compose.foundation import foundation
    from appliance.identity.identities import owner_in
    from appliance.policy import Resource

    for path in files.values():
        if path is not None and path.exists():
            raise FileExists(f"{path.name} is already there.")
    async with foundation(settings) as base:
        found = [one for one in await base.store.tenants() if tenant is None or one.slug == tenant]
        if not found:
            raise NotFound(f"There is no tenant {tenant!r} on this node.")
        owner, log = owner_in(base.store, found[0].id), AuditLog(base.store, base.recorder)
        action, resource = (READ_HEADS, Resource("node")) if every else (READ_OWN, Resource("checkpoint"))
        async with base.gate.admit(owner, action, resource):
            note = await log.heads() if every else (await log.head(found[0].id)).note
        public_key = log.public_key.hex()
    _save(files.get("svg"), files.get("text"), note)
    if as_json:
        sys.stdout.write(json.dumps({"signed_note": note, "public_key": public_key}) + "\n")
        return 0
    sys.stdout.write(note)
    if qr:
        sys.stdout.write(for_terminal(note))
    print(f"\n{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC, public key {public_key}")
    print("Keep it where this node cannot change it; check it with: python3 verify_audit.py EXPORT --kept FILE")
    return 0


def _save(svg: Path | None, text: Path | None, note: str) -> None:
    if svg is not None:
        svg.write_text(drawn(note), encoding="utf-8")
    if text is not None:
        text.write_text(note, encoding="utf-8")
