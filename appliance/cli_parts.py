"""What the groups of commands share: their flags, and how one ends."""

from __future__ import annotations

import asyncio
import errno
import json
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from appliance.errors import InvalidInput, OutpostError, problem

if TYPE_CHECKING:
    from appliance.settings import Settings

Data = Annotated[Path | None, Parameter(help="The node's data directory. [default: var/demo]")]
Tenant = Annotated[str | None, Parameter(help="Act in this tenant. [default: the first]")]
Wait = Annotated[bool, Parameter(help="Stay until it is done.")]
AsJson = Annotated[bool, Parameter(name="--json", help="Print one JSON document.")]


class PathUnusable(InvalidInput):
    """A file or directory that a command needs cannot be read or written."""

    code, title = "path-unusable", "That path cannot be used"
    hint = "Check that it exists, that it is of the right kind, and that you may use it."


def settings_of(data: Path | None, *, listen: str | None = None) -> Settings:
    from appliance.settings import load

    return load(data=None if data is None else str(data), listen=listen)


def finish(work: Coroutine[Any, Any, int], *, as_json: bool = False) -> int:
    try:
        return asyncio.run(work)
    except OutpostError as error:
        return complain(error, as_json=as_json)


def complain(error: OutpostError, *, as_json: bool = False) -> int:
    """Show an error as its reader needs it and return the exit code."""
    from appliance.client import exit_code_of

    if as_json:
        sys.stdout.write(json.dumps(getattr(error, "body", None) or problem(error)) + "\n")
    else:
        sys.stderr.write(f"refused: {error.detail}\nhint:    {error.hint}\n")
    return exit_code_of(error)


def said_of(error: OSError) -> OutpostError | None:
    """What the system refused, in our words; None if it names neither a path nor a full disk."""
    from appliance.store.errors import StoreFull

    if error.errno == errno.ENOSPC:
        return StoreFull(f"{error.strerror}.")
    return None if error.filename is None else PathUnusable(f"{error.filename}: {error.strerror}.")
