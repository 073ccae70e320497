"""`outpost mail …`."""

from __future__ import annotations

from typing import Annotated

import cyclopts
from cyclopts import Parameter

from appliance.cli_parts import AsJson, Data, Tenant, finish, settings_of

mail = cyclopts.App(name="mail", help="Mail about news, through the server in `mail_server`.")


@mail.command(name="test")
def mail_test(
    address: Annotated[str, Parameter(help="Who is to get it.")],
    /,
    *,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Send a mail at once, to see that it goes."""
    from appliance.commands.mailing import test

    return finish(test(settings_of(data).socket, address, tenant=tenant, as_json=as_json), as_json=as_json)
