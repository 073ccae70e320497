"""`outpost duty …`."""

from __future__ import annotations

from typing import Annotated

import cyclopts
from cyclopts import Parameter

from appliance.cli_parts import AsJson, Data, Tenant, finish, settings_of

duty = cyclopts.App(name="duty", help="What people are asked to do beside their role.")
Who = Annotated[str, Parameter(help="The name they sign in with.")]
What = Annotated[str, Parameter(help="approver, auditor, data_owner or supervisor.")]


@duty.command(name="list")
def duty_list(*, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """List who has which duty, and until when."""
    from appliance.commands.duties import list_duties

    return finish(list_duties(settings_of(data).socket, tenant=tenant, as_json=as_json), as_json=as_json)


@duty.command(name="give")
def duty_give(
    who: Who,
    what: What,
    /,
    *,
    until: Annotated[str | None, Parameter(help="Its last day, as in 2027-06-30; an auditor always has one.")] = None,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Give somebody a duty, or another last day."""
    from appliance.commands.duties import give_duty

    work = give_duty(settings_of(data).socket, who, what, until, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)


@duty.command(name="take")
def duty_take(who: Who, what: What, /, *, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """Take a duty from somebody."""
    from appliance.commands.duties import take_duty

    return finish(take_duty(settings_of(data).socket, who, what, tenant=tenant, as_json=as_json), as_json=as_json)
