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
