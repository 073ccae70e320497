"""What is written about a backup beside its files, and how it is read back."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from appliance.store.errors import BackupUnsound
from appliance.upkeep.rules import moment_of

FORMAT: Final = "outpost-backup/1"
MANIFEST: Final = "manifest.json"
SUMS: Final = "checksums.sha256"
KEYS: Final = "keys.json"


@dataclass(frozen=True, slots=True)
class Backup:
    """One that is whole. `findings` is what was wrong with the record already before it was copied; `damaged` are stored
    files that were damaged in the node itself.
    """

    name: str
    made_at: dt.datetime
    files: int
    size: int
    epoch: int
    logs: Mapping[str, int]
    findings: Sequence[str]
    damaged: Sequence[str]


def read_manifest(path: Path) -> Backup:
    """Raises BackupUnsound: it is none of ours, or not whole."""
    found = manifest_of(path)
    try:
        return Backup(
            path.name,
            dt.datetime.fromisoformat(found["made_at"]),
            *(found[name] for name in ("files", "size", "epoch", "logs", "findings", "damaged")),
        )
    except (KeyError, ValueError, TypeError):
        raise BackupUnsound(f"The manifest of {path.name} cannot be read.") from None


def whole_in(folder: Path) -> list[Backup]:
    """The backups of a folder that are whole, the oldest first."""
    found = []
    for path in folder.glob("*Z"):
        if moment_of(path.name) is not None:
            with contextlib.suppress(BackupUnsound):
                found.append(read_manifest(path))
    return sorted(found, key=lambda one: one.made_at)


def manifest_of(path: Path) -> dict[str, Any]:
    """Raises BackupUnsound."""
    try:
        found = json.loads((path / MANIFEST).read_bytes())
    except (OSError, ValueError):
        raise BackupUnsound(f"{path.name} has no manifest that can be read.") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise BackupUnsound(f"{path.name} is no backup of this kind.")
    return found


def check_sums(path: Path) -> list[str]:
    """Hash every file again; their names. Blocking.

    Raises:
        BackupUnsound: a file is missing or changed, or there is one too many.
    """
    listed = (path / SUMS).read_bytes() if (path / SUMS).exists() else b""
    if hashlib.sha256(listed).hexdigest() != manifest_of(path).get("checksums"):
        raise BackupUnsound(f"The checksums of {path.name} are not those that were written.")
    wanted = {line[66:]: line[:64] for line in listed.decode().splitlines()}
    found = sums_of(path)
    if wrong := sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)):
        raise BackupUnsound(f"{len(wrong)} files of {path.name} are not as they were written, the first: {wrong[0]}.")
    return sorted(found)


def keys_in(path: Path) -> Mapping[str, bytes]:
    """The wrapped keys that a backup wrote beside it, by file. Raises BackupUnsound."""
    try:
        found = json.loads(path.read_bytes())
        return {Path(name).name: base64.b64decode(text, validate=True) for name, text in found["keys"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise BackupUnsound(f"{path.name} holds no keys that can be read.") from None


def packed(keys: Mapping[str, bytes]) -> bytes:
    return json.dumps({"keys": {name: base64.b64encode(one).decode() for name, one in sorted(keys.items())}}).encode()


def sums_of(path: Path) -> dict[str, str]:
    sums = {}
    for one in sorted(path.rglob("*")):
        if one.is_file() and one.name not in {MANIFEST, SUMS}:
            with one.open("rb") as stream:
                sums[str(one.relative_to(path))] = hashlib.file_digest(stream, "sha256").hexdigest()
    return sums
