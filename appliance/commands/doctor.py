"""`outpost doctor`: what is wrong with this node, and what to do about it."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from sqlalchemy import text

from appliance.client import answered, open_door
from appliance.errors import Damaged, OutpostError
from appliance.processes import CREDENTIALS
from appliance.settings import DEMO_MARK, Settings
from appliance.store import AUDIT, CONTROL, Purpose, Store, Where, open_store

LEAST_FREE = 0.10
_MARKS = {"ok": "[green]ok  [/]", "note": "[yellow]note[/]", "bad": "[red]bad [/]"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `advice` says what to do unless it is fine."""

    subject: str
    state: Literal["ok", "note", "bad"]
    fact: str
    advice: str = ""


async def examine(settings: Settings, *, as_json: bool) -> int:
    """Print every finding; 1 if one of them is bad."""
    findings = look_at_files(settings)
    if _is_node(settings.data):
        findings += await _read_everything(settings)
    findings += await _ask_the_node(settings)
    if as_json:
        sys.stdout.write(json.dumps([asdict(finding) for finding in findings]) + "\n")
    else:
        console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
        for finding in findings:
            console.print(f"{_MARKS[finding.state]} {finding.subject}: {finding.fact}")
            if finding.advice:
                console.print(f"       {finding.advice}", style="dim")
    return 1 if any(finding.state == "bad" for finding in findings) else 0


def _is_node(data: Path) -> bool:
    return (data / "control.db").exists()


def look_at_files(settings: Settings) -> list[Finding]:
    """What can be told without a running node."""
    data = settings.data
    if not _is_node(data):
        return [Finding("data", "bad", "there is no node in this directory", "Run `outpost run`, or give --data.")]
    findings = [_private(data), _private(data / "keys" / "master.key")]
    usage = shutil.disk_usage(data)
    free = usage.free / usage.total
    full = f"{usage.free / 2**30:.1f} GiB free ({free:.0%})"
    advice = "" if free >= LEAST_FREE else "Make room: documents are no longer taken in below 10 %."
    findings.append(Finding("disk", "ok" if free >= LEAST_FREE else "bad", full, advice))
    findings.append(
        Finding(
            "master key",
            "note",
            "kept in a file: it protects neither a stolen disk nor a stolen box",
            "Good for a demo. A plant's node keeps it in the TPM or on a USB key.",
        )
    )
    if (data / DEMO_MARK).exists():
        findings.append(
            Finding("demo", "note", "this node carries the demo plant", "Never use a demo node in a plant.")
        )
    if (data / CREDENTIALS).exists():
        findings.append(_private(data / CREDENTIALS))
        why = f"the passwords of the first people stand in {CREDENTIALS}"
        findings.append(
            Finding("sign-ins", "note", why, "Give people passwords of their own, and keep the file to yourself.")
        )
    for part in ("models", "webui"):
        there = (settings.share / part).is_dir()
        fact = "installed" if there else "missing"
        findings.append(Finding(part, "ok" if there else "bad", fact, "" if there else "Run `make setup`."))
    return findings


async def _read_everything(settings: Settings) -> list[Finding]:
    """Every page of every database: a damaged one opens, and fails those who come upon the page."""
    try:
        store = await open_store(settings.data, settings.database_url, create=False)
    except OutpostError as error:
        return [Finding("keys", "bad", error.detail, error.hint)]
    try:
        findings = [await _read_pages(store, "people and tenants", CONTROL), await _read_pages(store, "record", AUDIT)]
        if findings[0].state == "ok":
            for tenant in await store.tenants():
                findings.append(await _read_pages(store, f"documents of {tenant.slug}", tenant.id))  # noqa: PERF401
        return findings
    finally:
        await store.close()


async def _read_pages(store: Store, what: str, where: Where) -> Finding:
    subject = f"stored {what}"
    try:
        async with store.open_internal(Purpose.VERIFY, where) as session:
            encrypted_file = session.get_bind().dialect.name == "sqlite"
            check = "PRAGMA cipher_integrity_check" if encrypted_file else "SELECT 1 WHERE false"
            damaged = (await session.execute(text(check))).all()
    except OutpostError as error:
        return Finding(subject, "bad", error.detail, error.hint)
    if damaged:
        return Finding(subject, "bad", f"{len(damaged)} pages are not as they were written", Damaged.hint)
    return Finding(subject, "ok", "as it was written")


def _private(path: Path) -> Finding:
    if not path.exists():
        return Finding(
            path.name, "bad", "is not there", "Restore it from where you keep a copy; nothing opens without."
        )
    open_to_others = path.stat().st_mode & 0o077
    fact = "can be read by other users" if open_to_others else "private"
    advice = f"Run: chmod go-rwx {path}" if open_to_others else ""
    return Finding(path.name, "bad" if open_to_others else "ok", fact, advice)


async def _ask_the_node(settings: Settings) -> list[Finding]:
    try:
        async with open_door(settings.socket, timeout=10) as door:
            found = answered(await door.get("/v1/health/components"))
            limits = answered(await door.get("/v1/admin/limits"))
    except OutpostError as error:
        return [Finding("node", "note", error.detail, error.hint)]
    states: dict[str, Literal["ok", "note", "bad"]] = {"ok": "ok", "degraded": "note", "unavailable": "bad"}
    findings = [Finding(part["name"], states[part["state"]], part["detail"]) for part in found["components"]]
    if limits["environment"] == "production" and not limits["tenants"]:
        advice = "See docs/administer/limits.md, and give each plant limits of its own under [limits.tenants]."
        findings.append(Finding("limits of plants", "note", "no plant has limits of its own", advice))
    return findings
