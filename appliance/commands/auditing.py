"""`outpost audit verify` and `outpost audit export`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from appliance.audit.verify import VerifyReport, verify
from appliance.errors import Conflict, NotFound
from appliance.settings import Settings
from appliance.store import Store, open_store


class NoNodeHere(NotFound):
    """A command needs a data directory that holds a node."""

    code, title = "no-node-here", "There is no node in that directory"
    hint = "Give --data the directory of a node, or start one with `outpost run`."


class FileExists(Conflict):
    """A command was asked to write a file that is already there."""

    code, title = "file-exists", "That file exists already"
    hint = "Choose another name; an export is never overwritten."


async def _open(settings: Settings) -> Store:
    if not (settings.data / "audit.db").exists():
        raise NoNodeHere(f"{settings.data.name} holds no record.")
    return await open_store(settings.data, settings.database_url, create=False)


async def verify_record(settings: Settings, *, as_json: bool) -> int:
    """Print what the verifier found; 1 unless everything is as it was written. The node may be running."""
    store = await _open(settings)
    try:
        report = await verify(store)
    finally:
        await store.close()
    if as_json:
        sys.stdout.write(json.dumps({"ok": report.ok} | asdict(report)) + "\n")
    else:
        _show(Console(highlight=False), report)
    return 0 if report.ok else 1


def _show(console: Console, report: VerifyReport) -> None:
    console.print(f"node {report.node_id}, public key {report.public_key}")
    for log in report.logs:
        mark = "[green]ok[/]     " if log.ok else "[red]changed[/]"
        console.print(f"{mark} {log.log}: {log.size} records, root {log.root[:16]}, saved head at {log.saved}")
    for finding in report.every_finding():
        console.print(f"[red]{finding.kind}[/]: {finding.text}")
    if report.ok:
        console.print("The record is as it was written. No checkpoint of it has been kept elsewhere yet.")


async def export_record(settings: Settings, out: Path, *, tenant: str | None, as_json: bool) -> int:
    """Write one tenant's log with its checkpoint to `out`."""
    from appliance.audit.export import export

    if out.exists():
        raise FileExists(f"{out.name} is already there.")
    store = await _open(settings)
    try:
        found = [one for one in await store.tenants() if tenant is None or one.slug == tenant]
        if not found:
            raise NoNodeHere(f"There is no tenant {tenant!r}.", hint="`outpost doctor` lists what is here.")
        summary = await export(store, found[0].id, out)
    finally:
        await store.close()
    if as_json:
        sys.stdout.write(json.dumps(asdict(summary)) + "\n")
    else:
        print(f"{summary.size} records, root {summary.root}")
        print(f"check it anywhere: python3 verify_audit.py {out.name}")
    return 0
