"""The commands about keys, certificates and secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from appliance.cli_parts import AsJson, Data, finish, settings_of

tls = cyclopts.App(name="tls", help="The certificate that people's browsers see.")

keys = cyclopts.App(name="keys", help="The master key: how it is kept, moved, changed and brought back.")

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


@keys.command(name="show")
def keys_show(*, data: Data = None, as_json: AsJson = False) -> int:
    """Say how the master key is kept, and what that protects against."""
    from appliance.commands.keeping import show

    return finish(show(settings_of(data), as_json=as_json), as_json=as_json)


@keys.command(name="move")
def keys_move(
    *,
    to: Annotated[str, Parameter(help="file, passphrase, usb-key or tpm.")],
    at: Annotated[Path | None, Parameter(help="Where the USB stick is mounted.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> int:
    """Keep the master key in another way, with a new key and a new recovery key. The node must be stopped.

    Passphrases are asked for at the terminal, or read from standard input, a line each: the present one, then the new one.
    """
    from appliance.commands.keeping import move

    return finish(move(settings_of(data), to, at, as_json=as_json), as_json=as_json)


@keys.command(name="rotate")
def keys_rotate(*, data: Data = None, as_json: AsJson = False) -> int:
    """Make a new master key, a new recovery key, and a new key for sign-ins. The node must be stopped; nobody is signed out."""
    from appliance.commands.keeping import rotate

    return finish(rotate(settings_of(data), as_json=as_json), as_json=as_json)


@keys.command(name="recovery")
def keys_recovery(*, data: Data = None, as_json: AsJson = False) -> int:
    """Make a new recovery key and show it, once; the one before is worth nothing from then on."""
    from appliance.commands.keeping import renew_recovery

    return finish(renew_recovery(settings_of(data), as_json=as_json), as_json=as_json)


@keys.command(name="recover")
def keys_recover(*, data: Data = None, as_json: AsJson = False) -> int:
    """Open a node whose master key is lost, with its recovery key; asks for it. The key is then kept in a file."""
    from appliance.commands.keeping import recover

    return finish(recover(settings_of(data), as_json=as_json), as_json=as_json)
