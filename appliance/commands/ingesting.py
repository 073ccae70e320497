"""`outpost ingest`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from appliance.client import answered, open_door
from appliance.documents.ingest_cli import ingest
from appliance.documents.uploads import level_of
from appliance.errors import InvalidInput, NotFound


class NoSuchPath(NotFound):
    """A path given to a command does not exist."""

    code, title = "no-such-path", "That file or directory does not exist"
    hint = "Check the path; it is relative to where you are."


async def ingest_paths(
    socket: Path,
    paths: list[Path],
    *,
    tenant: str | None,
    classification: str,
    manifest: Path | None,
    wait: bool,
    as_json: bool,
) -> int:
    """Upload everything under `paths`; 1 if a document failed.

    Raises:
        InvalidInput, NoSuchPath, UnknownClassification, Refused: nothing was uploaded.
    """
    if not paths:
        raise InvalidInput("No file and no directory is named.", hint="Name what to take in: `outpost ingest DIR`.")
    for path in [*paths, *([manifest] if manifest else [])]:
        if not path.exists():
            raise NoSuchPath(f"{path} does not exist.")
    level_of(classification)
    # In a pipe or a file nothing is broken into lines: a line is one file and what became of it.
    target = sys.stderr if as_json else sys.stdout
    console = Console(file=target, highlight=False, soft_wrap=not target.isatty())
    async with open_door(socket, tenant=tenant) as door:
        # A tenant that is not here is one refusal, and not one for every file.
        answered(await door.get("/v1/auth/me"))
        summary = await ingest(
            door,
            paths,
            tenant=tenant,
            classification=classification,
            wait=wait,
            manifest=manifest,
            console=console,
        )
    if as_json:
        sys.stdout.write(json.dumps(asdict(summary)) + "\n")
    return 1 if summary.failed else 0
