"""`outpost token …`."""

from __future__ import annotations

from typing import Annotated

import cyclopts
from cyclopts import Parameter

from appliance.cli_parts import AsJson, Data, Tenant, finish, settings_of

token = cyclopts.App(name="token", help="Tokens that work for some minutes, for operations and tests.")


@token.command(name="issue")
def token_issue(
    *,
    role: Annotated[str, Parameter(help="viewer, operator or admin.")],
    minutes: Annotated[int, Parameter(name="--ttl", help="Minutes that it works, at most 1440.")] = 15,
    scope: Annotated[
        tuple[str, ...],
        Parameter(help="An action it may do, such as chat.ask; may be given again. [default: all that the role may]"),
    ] = (),
    clearance: Annotated[int | None, Parameter(help="1 to 3. [default: the role's]")] = None,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Issue a token of a role and show it, this once: send it as `Authorization: Bearer …`. It can be revoked like a key."""
    from appliance.commands.keys import issue_token

    wanted = {
        "name": f"token for {role}",
        "role": role,
        "minutes": minutes,
        "scopes": list(scope),
        "clearance": clearance,
    }
    work = issue_token(settings_of(data).socket, wanted, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)
