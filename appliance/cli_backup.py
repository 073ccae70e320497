"""`outpost backup …` and `outpost restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from appliance.cli_parts import AsJson, Data, finish, settings_of

backup = cyclopts.App(name="backup", help="Backups: make one now, list them, check one.")


@backup.command(name="make")
def backup_make(
    *,
    to: Annotated[Path | None, Parameter(help="A directory, such as a stick's. [default: OUTPOST_BACKUPS]")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> int:
    """Make one now, read it back, and let old ones there go. The node may be running."""
    from appliance.commands.backing_up import make

    return finish(make(settings_of(data), to, as_json=as_json), as_json=as_json)


@backup.command(name="list")
def backup_list(*, data: Data = None, as_json: AsJson = False) -> int:
    """List the backups that are whole."""
    from appliance.commands.backing_up import listed

    return finish(listed(settings_of(data), as_json=as_json), as_json=as_json)


@backup.command(name="check")
def backup_check(
    path: Annotated[Path, Parameter(help="The directory of one backup.")], /, *, as_json: AsJson = False
) -> int:
    """Hash every file of a backup again. It needs neither node nor key."""
    from appliance.commands.backing_up import check

    return finish(check(path, as_json=as_json), as_json=as_json)


def restore(
    path: Annotated[Path, Parameter(help="The directory of one backup.")],
    /,
    *,
    keys: Annotated[Path | None, Parameter(help="The wrapped keys. [default: keys.json beside the backup]")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> int:
    """Make a node of a backup, in a directory that holds none; asks for the recovery key. The record begins a new epoch."""
    from appliance.commands.backing_up import restore as put_back

    return finish(put_back(settings_of(data), path, keys, as_json=as_json), as_json=as_json)
