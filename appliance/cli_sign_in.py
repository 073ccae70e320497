"""The commands about identity providers: which a plant trusts, and whether its people would get in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from appliance.cli_parts import AsJson, Data, Tenant, finish, settings_of

sign_in = cyclopts.App(name="sign-in", help="Let people sign in with their company's account.")


@sign_in.command(name="show")
def sign_in_show(*, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """Show the identity providers of a plant, and what to register with them."""
    from appliance.commands.federating import show

    return finish(show(settings_of(data).socket, tenant=tenant, as_json=as_json), as_json=as_json)


@sign_in.command(name="set")
def sign_in_set(
    file: Annotated[Path, Parameter(help="JSON with `oidc`, `saml` or both, as docs/administer/sign-in.md has it.")],
    /,
    *,
    ask_secret: Annotated[bool, Parameter(help="Ask for the client's secret, or read it from a pipe.")] = False,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Set the identity providers of a plant as a whole."""
    from appliance.commands.federating import write

    work = write(settings_of(data).socket, file, ask_secret=ask_secret, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)


@sign_in.command(name="test")
def sign_in_test(*, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """Look whether people of the plant's identity providers would get in. 1 if something is missing."""
    from appliance.commands.federating import examine

    return finish(examine(settings_of(data).socket, tenant=tenant, as_json=as_json), as_json=as_json)
