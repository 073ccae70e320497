"""`outpost audit witness …`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from appliance.cli_parts import AsJson, Data, finish, settings_of

witness = cyclopts.App(name="witness", help="Have other machines vouch for the record, and vouch for theirs.")
Folder = Annotated[Path, Parameter(help="A folder, such as one on a USB stick.")]
Remove = Annotated[bool, Parameter(help="The other way round: from now on no longer.")]


@witness.command
def show(*, data: Data = None, as_json: AsJson = False) -> int:
    """Print this node's keys, whom it trusts and watches, and when each log was last witnessed."""
    from appliance.commands.witnessing import show as work

    return finish(work(settings_of(data), as_json=as_json), as_json=as_json)


@witness.command
def trust(
    key: Annotated[str, Parameter(help="The witness key that `outpost audit witness show` prints on the witness.")],
    *,
    remove: Remove = False,
    data: Data = None,
    as_json: AsJson = False,
) -> int:
    """Take the cosignatures of a witness."""
    from appliance.commands.witnessing import trust as work

    return finish(work(settings_of(data), key, remove=remove, as_json=as_json), as_json=as_json)


@witness.command
def watch(
    key: Annotated[str, Parameter(help="The public key that `outpost audit verify` prints on the node.")],
    *,
    remove: Remove = False,
    data: Data = None,
    as_json: AsJson = False,
) -> int:
    """Be a witness of a node's record."""
    from appliance.commands.witnessing import watch as work

    return finish(work(settings_of(data), key, remove=remove, as_json=as_json), as_json=as_json)


@witness.command
def request(
    folder: Folder,
    *,
    witness: Annotated[str | None, Parameter(help="The name of the one that is asked. [default: the only one]")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> int:
    """On the node: write a question for each of its logs, `*.request`."""
    from appliance.commands.witnessing import request as work

    return finish(work(settings_of(data), folder, name=witness, as_json=as_json), as_json=as_json)


@witness.command
def cosign(folder: Folder, *, data: Data = None, as_json: AsJson = False) -> int:
    """On the witness: answer the questions of watched nodes, `*.request`, with `*.answer`; or say from where to prove, `*.size`."""
    from appliance.commands.witnessing import cosign as work

    return finish(work(settings_of(data), folder, as_json=as_json), as_json=as_json)


@witness.command
def take(folder: Folder, *, data: Data = None, as_json: AsJson = False) -> int:
    """On the node again: check the answers, and keep them beside the logs."""
    from appliance.commands.witnessing import take as work

    return finish(work(settings_of(data), folder, as_json=as_json), as_json=as_json)
