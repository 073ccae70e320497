"""The commands about keys, certificates and secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from appliance.cli_parts import AsJson, Data, Tenant, finish, settings_of

tls = cyclopts.App(name="tls", help="The certificate that people's browsers see.")

keys = cyclopts.App(name="keys", help="The master key: how it is kept, moved, changed and brought back.")

vault = cyclopts.App(name="vault", help="Credentials of the plant's systems, for connectors alone.")

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


SecretName = Annotated[str, Parameter(help="Small letters, digits, dots, dashes and underscores.")]


@vault.command(name="list")
def vault_list(*, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """Show names, versions and last uses. A value is shown to nobody."""
    from appliance.commands.vaulting import show

    return finish(show(settings_of(data).socket, tenant=tenant, as_json=as_json), as_json=as_json)


@vault.command(name="set")
def vault_set(name: SecretName, /, *, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """Keep a secret: asked for at the terminal, or the first line of standard input. One of that name is forgotten."""
    from appliance.commands.vaulting import write

    return finish(write(settings_of(data).socket, name, tenant=tenant, as_json=as_json), as_json=as_json)


@vault.command(name="rotate")
def vault_rotate(
    name: SecretName,
    /,
    *,
    grace_hours: Annotated[float, Parameter(help="How long the value before stays good, at most 720.")] = 24.0,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Give a secret its next value; connectors may use the one before for a while."""
    from appliance.commands.vaulting import rotate

    work = rotate(settings_of(data).socket, name, grace_hours, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)


@vault.command(name="remove")
def vault_remove(name: SecretName, /, *, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """Forget a secret and all its versions."""
    from appliance.commands.vaulting import remove

    return finish(remove(settings_of(data).socket, name, tenant=tenant, as_json=as_json), as_json=as_json)
