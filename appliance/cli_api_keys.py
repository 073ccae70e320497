"""`outpost key …`."""

from __future__ import annotations

from typing import Annotated

import cyclopts
from cyclopts import Parameter

from appliance.cli_parts import AsJson, Data, Tenant, finish, settings_of

key = cyclopts.App(name="key", help="Let programs in, each with a key of its own.")
Which = Annotated[str, Parameter(help="The id that the list shows.")]


@key.command(name="list")
def key_list(*, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """List the API keys of the plant, revoked and old ones too."""
    from appliance.commands.keys import list_keys

    return finish(list_keys(settings_of(data).socket, tenant=tenant, as_json=as_json), as_json=as_json)


@key.command(name="create")
def key_create(
    name: Annotated[str, Parameter(help="What it is for.")],
    /,
    *,
    scope: Annotated[
        tuple[str, ...], Parameter(help="An action it may do, such as chat.ask; may be given again.")
    ] = (),
    auditor: Annotated[
        bool, Parameter(negative="", help="For an auditor: it reads the record and nothing else.")
    ] = False,
    role: Annotated[str, Parameter(help="viewer, operator or admin.")] = "viewer",
    clearance: Annotated[int | None, Parameter(help="1 to 3. [default: the role's]")] = None,
    days: Annotated[int, Parameter(help="How long it works, at most 366.")] = 90,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Make an API key and show it, this once."""
    from appliance.commands.keys import create_key

    wanted = {
        "name": name,
        "scopes": list(scope),
        "role": role,
        "clearance": clearance,
        "days": days,
        "auditor": auditor,
    }
    work = create_key(settings_of(data).socket, wanted, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)


@key.command(name="rotate")
def key_rotate(which: Which, /, *, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """Give a key a new secret, shown this once; the old one stops working."""
    from appliance.commands.keys import rotate_key

    return finish(rotate_key(settings_of(data).socket, which, tenant=tenant, as_json=as_json), as_json=as_json)


@key.command(name="revoke")
def key_revoke(which: Which, /, *, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """Refuse a key from now on, for good."""
    from appliance.commands.keys import revoke_key

    return finish(revoke_key(settings_of(data).socket, which, tenant=tenant, as_json=as_json), as_json=as_json)
