"""The commands about keys, certificates and secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from appliance.cli_parts import AsJson, Data, finish, settings_of

tls = cyclopts.App(name="tls", help="The certificate that people's browsers see.")

Listen = Annotated[str | None, Parameter(help="HOST:PORT that the node will serve. [default: OUTPOST_LISTEN]")]


@tls.command(name="init")
def tls_init(
    *names: Annotated[str, Parameter(help="Host names and addresses that people will reach the node by.")],
    new_ca: Annotated[bool, Parameter(help="Make a new authority too; every kiosk must then trust that one.")] = False,
    data: Data = None,
    listen: Listen = None,
    as_json: AsJson = False,
) -> int:
    """Make a certificate under the node's own authority, and the authority first where there is none."""
    from appliance.commands.certifying import make

    return finish(make(settings_of(data, listen=listen), names, anew=new_ca, as_json=as_json), as_json=as_json)


@tls.command(name="use")
def tls_use(
    *names: Annotated[str, Parameter(help="Host names and addresses that it must hold for. [default: the address]")],
    certificate: Annotated[
        Path, Parameter(help="PEM: the node's certificate, then those between it and the authority.")
    ],
    key: Annotated[Path, Parameter(help="PEM: its private key, readable by its owner alone.")],
    ca: Annotated[Path, Parameter(help="PEM: the authority that kiosks and browsers of the plant trust.")],
    data: Data = None,
    listen: Listen = None,
    as_json: AsJson = False,
) -> int:
    """Serve with the plant's own certificate, once it is found to fit. A new one is given in the same way."""
    from appliance.commands.certifying import take

    files = (certificate, key, ca)
    return finish(take(settings_of(data, listen=listen), names, *files, as_json=as_json), as_json=as_json)


@tls.command(name="show")
def tls_show(*, data: Data = None, as_json: AsJson = False) -> int:
    """Show names, days left, and the fingerprint of the authority to compare on every kiosk."""
    from appliance.commands.certifying import show

    return finish(show(settings_of(data), as_json=as_json), as_json=as_json)
