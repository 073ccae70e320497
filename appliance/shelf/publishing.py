"""What the supervisor is told to run: `serving.json` in the run folder, replaced whole, never edited."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from appliance.shelf.files import FILE
from appliance.shelf.values import ModelPackage, Serving


def wanted(packages: Iterable[ModelPackage], folder: Path) -> list[Serving]:
    """One server a package, in the shape that it was tried in. Of two with the same name the later bears its id too."""
    made: dict[str, Serving] = {}
    for one in packages:
        if one.measured is None:
            continue
        process = f"chat {one.name}"
        if process in made:
            process += f" {one.id.hex[-6:]}"
        made[process] = Serving(
            process=process,
            name=one.name,
            socket=one.socket,
            file=str(folder / str(one.id) / FILE),
            sha256=one.sha256,
            threads=one.measured.threads,
            sequences=one.measured.sequences,
            context=one.measured.context,
        )
    return list(made.values())


def publish(target: Path, servers: list[Serving]) -> None:
    if not servers:
        target.unlink(missing_ok=True)
        return
    new = target.with_suffix(".new")
    new.write_text(json.dumps([asdict(one) for one in servers]), encoding="utf-8")
    new.replace(target)
