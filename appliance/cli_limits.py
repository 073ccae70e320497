"""The commands about limits of requests."""

from __future__ import annotations

from typing import Annotated

import cyclopts
from cyclopts import Parameter

from appliance.cli_parts import AsJson, Data, Tenant, finish, settings_of

limits = cyclopts.App(name="limits", help="How many requests people may make, and what of that is used.")


@limits.command(name="show")
def limits_show(*, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """Show the limits in force and what of them is used."""
    from appliance.commands.limiting import show_limits

    return finish(show_limits(settings_of(data).socket, tenant=tenant, as_json=as_json), as_json=as_json)


@limits.command(name="reset")
def limits_reset(
    subject: Annotated[
        str | None, Parameter(help="A person or kiosk, as `show` names it; everybody if absent.")
    ] = None,
    /,
    *,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Count afresh."""
    from appliance.commands.limiting import reset_limits

    return finish(reset_limits(settings_of(data).socket, subject, tenant=tenant, as_json=as_json), as_json=as_json)


@limits.command(name="set")
def limits_set(
    *,
    minute: Annotated[int | None, Parameter(help="Requests in any minute.")] = None,
    hour: Annotated[int | None, Parameter(help="Requests in any hour.")] = None,
    role: Annotated[str, Parameter(help="Each person of a role, or `kiosk`.")] = "",
    person: Annotated[str, Parameter(help="One person, by id.")] = "",
    route: Annotated[str, Parameter(help='Each person on a route, such as "POST /v1/search".')] = "",
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Set a limit tighter than the policy pack's, or wider up to its ceilings; without role, person or route the plant's."""
    from appliance.commands.limiting import set_limit

    places = {"role": role, "person": person, "route": route}
    work = set_limit(settings_of(data).socket, places, minute=minute, hour=hour, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)


@limits.command(name="unset")
def limits_unset(
    limit_id: Annotated[str, Parameter(help="The id that `show` tells.")],
    /,
    *,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Let the policy pack's limit hold again."""
    from appliance.commands.limiting import unset_limit

    return finish(unset_limit(settings_of(data).socket, limit_id, tenant=tenant, as_json=as_json), as_json=as_json)
