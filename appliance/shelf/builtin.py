"""The small models of the release, read from the manifests that set-up wrote."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from appliance.shelf.values import BuiltIn
from models.package import MANIFEST


class BuiltIns:
    """Args:
    folder: `share/models`, one folder a package.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self) -> list[BuiltIn]:
        """By name. A package whose manifest cannot be read is left out: the model server says what is wrong with it. So is a
        chat model: it is in force only when it has been taken in like any other.
        """
        found = []
        for path in sorted(self._folder.glob(f"*/{MANIFEST}")):
            try:
                raw = path.read_bytes()
                manifest = json.loads(raw)
                if manifest["kind"] == "chat":
                    continue
                size = sum((path.parent / name).stat().st_size for name in manifest["files"])
                name, kind, version, licence = (manifest[member] for member in ("name", "kind", "version", "licence"))
                found.append(BuiltIn(name, kind, version, licence, size, hashlib.sha256(raw).hexdigest()))
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return found
