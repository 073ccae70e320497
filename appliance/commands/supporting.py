"""`outpost support`: one file for whoever helps from afar, without secrets, documents or what people asked."""

from __future__ import annotations

import io
import json
import os
import platform
import re
import sys
import zipfile
from dataclasses import asdict
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final

from appliance import __version__
from appliance.client import answered, open_door
from appliance.commands.auditing import FileExists
from appliance.commands.doctor import findings_of
from appliance.errors import OutpostError
from appliance.guard import find, redact
from appliance.logs import KEPT, KEPT_BYTES, last_lines
from appliance.settings import SETTINGS, Settings
from appliance.store import AUDIT, CONTROL, Group, Purpose, Store, Where, open_store
from appliance.store.migrate import head, revision
from appliance.unlocking import unlock

SHOWN: Final = frozenset(
    {
        "listen", "tls_minimum", "role", "log_level", "upload_limit_mib", "kiosk_idle_seconds", "admin_second_factor",
        "word_within_seconds", "environment", "rate_limit_per_minute", "site_country",
    }
)  # fmt: skip
"""Settings whose value is told. Of any other, only whether it differs from its default."""
WITHHELD: Final = (
    "database_url", "metrics_token", "data", "share", "jwks_local_path", "model_hosts", "identity_hosts",
    "trace_collector",
)  # fmt: skip
"""Settings whose value is taken out wherever it stands: secrets, paths, which often name a person, and hosts of the plant."""
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}Z")
PLACES: Final = (
    "audit.db", "audit.heads.json", "control.db", "credentials.json", "demo", "import", "initialised", "keys", "logs", "models",
    "run", "tenants", "uploads", "vitals",
)  # fmt: skip
"""What the data directory is made of. Anything else in it is counted together, without its name."""


async def collect(settings: Settings, out: Path, *, as_json: bool) -> int:
    """Write the bundle, readable by its maker alone; the node may be down.

    Raises:
        FileExists: `out` is there already.
    """
    parts = await _parts(settings)
    written = _zipped(parts)
    _write_new(out, written)
    if as_json:
        sys.stdout.write(json.dumps({"file": str(out), "bytes": len(written), "parts": sorted(parts)}) + "\n")
    else:
        print(f"{out.name}: {', '.join(sorted(parts))}")
        print("Look through it before you hand it on: names of plants and of chat models are in it.")
    return 0


async def _parts(settings: Settings) -> dict[str, str]:
    """Name of a file in the bundle, and its text."""
    findings = await findings_of(settings)
    parts: dict[str, Any] = {
        "versions.json": versions(),
        "settings.json": settings_told(settings),
        "doctor.json": [asdict(finding) for finding in findings],
        "sizes.json": sizes(settings.data),
        "schema.json": await _schema(settings),
    }
    texts: dict[str, str] = {}
    try:
        async with open_door(settings.socket, timeout=10) as door:
            parts["health.json"] = answered(await door.get("/v1/health/components"))
            counted = (await door.get("/metrics")).raise_for_status().text
            texts["metrics.txt"] = "\n".join(_clean_line(line, settings) for line in counted.split("\n"))
    except OutpostError as error:
        parts["health.json"] = {"status": "unavailable", "detail": error.detail}
    written = {
        name: json.dumps(cleaned(part, settings), indent=1, sort_keys=True) + "\n" for name, part in parts.items()
    }
    texts["logs.jsonl"] = logs(settings)
    return written | texts


def logs(settings: Settings) -> str:
    """The last lines of the log, cleaned like everything else, at most 256 KiB."""
    lines = [f"{json.dumps(_clean_fact(one, settings), sort_keys=True)}\n" for one in last_lines(settings.data / KEPT)]
    room = KEPT_BYTES
    for number, line in enumerate(reversed(lines)):
        room -= len(line.encode())
        if room < 0:
            return "".join(lines[len(lines) - number :])
    return "".join(lines)


def versions() -> dict[str, Any]:
    """The release, what it runs on, and every installed package."""
    packages = {one.name: one.version for one in distributions()}
    return {
        "outpost": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": os.cpu_count(),
        "packages": packages,
    }


def settings_told(settings: Settings) -> dict[str, str]:
    """Values of the settings that are nobody's secret; of the others `default` or `set`."""
    given = {name.removeprefix("OUTPOST_").lower(): value for name, value in settings.environment().items()}
    return {
        name: given[name] if name in SHOWN else ("default" if given[name] == default else "set")
        for name, default, _ in SETTINGS
    }


def sizes(data: Path) -> dict[str, dict[str, int]]:
    """Files and bytes of each place in the data directory; links are not followed."""
    found: dict[str, dict[str, int]] = {}
    for top, _, names in os.walk(data):
        for name in names:
            path = Path(top) / name
            first = path.relative_to(data).parts[0]
            place = found.setdefault(first if first in PLACES else "other", {"files": 0, "bytes": 0})
            try:
                place["bytes"] += path.lstat().st_size
            except FileNotFoundError:  # a running node removes what it no longer needs
                continue
            place["files"] += 1
    return found


async def _schema(settings: Settings) -> dict[str, Any]:
    """The revision of every database beside the one of this release."""
    release = {group.value: head(group) for group in Group}
    try:
        store = await open_store(settings.data, settings.database_url, create=False, unlock=unlock)
    except OutpostError as error:
        return {"release": release, "problem": error.detail}
    try:
        here: dict[str, str | None] = {
            "control": await _revision(store, CONTROL, Group.CONTROL),
            "audit": await _revision(store, AUDIT, Group.AUDIT),
        }
        for tenant in await store.tenants():
            here[f"tenant {tenant.slug}"] = await _revision(store, tenant.id, Group.TENANT)
    except OutpostError as error:
        return {"release": release, "problem": error.detail}
    finally:
        await store.close()
    return {"release": release, "here": here}


async def _revision(store: Store, where: Where, group: Group) -> str | None:
    async with store.open_internal(Purpose.VERIFY, where) as session:
        return await (await session.connection()).run_sync(revision, group)


def cleaned(part: Any, settings: Settings) -> Any:
    """`part` without what the guard takes for personal data or a secret, the settings' own secrets, and paths of this box."""
    match part:
        case str():
            for name, value in settings.environment().items():
                known = name.removeprefix("OUTPOST_").lower()
                for piece in filter(None, map(str.strip, value.split(",") if known.endswith("_hosts") else [value])):
                    if known in WITHHELD:
                        part = part.replace(piece, f"[{known}]")
            return redact(part, find(part))
        case dict():
            return {cleaned(key, settings): cleaned(value, settings) for key, value in part.items()}
        case list():
            return [cleaned(one, settings) for one in part]
        case _:
            return part


def _clean_fact(fact: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """A line of the log; its moment stays, whatever it looks like."""
    told: dict[str, Any] = cleaned(fact, settings)
    at = str(fact["timestamp"])
    return told | {"timestamp": at if _MOMENT.fullmatch(at) else "?"}


def _clean_line(line: str, settings: Settings) -> str:
    """A line of metrics; the number at its end stays, whatever it looks like."""
    name, blank, number = line.rpartition(" ")
    return f"{cleaned(name, settings)}{blank}{number}"


def _zipped(parts: dict[str, str]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in sorted(parts.items()):
            bundle.writestr(name, text)
    return held.getvalue()


def _write_new(out: Path, content: bytes) -> None:
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise FileExists(f"{out.name} is already there.") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError:
        out.unlink(missing_ok=True)
        raise
