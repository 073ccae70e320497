"""`outpost webhook …`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import cyclopts
from cyclopts import Parameter

from appliance.cli_parts import AsJson, Data, Tenant, finish, settings_of

webhook = cyclopts.App(
    name="webhook", help="Programs of the plant that are told what happens; hosts in `webhook_hosts`."
)
Id = Annotated[UUID, Parameter(help="Its id, as `outpost webhook list` shows it.")]


@webhook.command(name="list")
def webhook_list(*, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """Show who is told what, how much waits for each, and why the last try failed."""
    from appliance.commands.webhooks import show

    return finish(show(settings_of(data).socket, tenant=tenant, as_json=as_json), as_json=as_json)


@webhook.command(name="add")
def webhook_add(
    name: Annotated[str, Parameter(help="What people call the program.")],
    url: Annotated[str, Parameter(help="Where it listens.")],
    *kinds: Annotated[str, Parameter(help="What it hears of, such as approval.asked; docs/operate/news.md has all.")],
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Have a program told; its secret is shown this once."""
    from appliance.commands.webhooks import add

    work = add(settings_of(data).socket, name, url, kinds, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)


@webhook.command(name="remove")
def webhook_remove(one: Id, /, *, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """Tell it nothing more; what waits is not sent."""
    from appliance.commands.webhooks import remove

    return finish(remove(settings_of(data).socket, one, tenant=tenant, as_json=as_json), as_json=as_json)


@webhook.command(name="on")
def webhook_on(one: Id, /, *, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """Send to it again, at once what waits."""
    from appliance.commands.webhooks import switch

    return finish(switch(settings_of(data).socket, one, True, tenant=tenant, as_json=as_json), as_json=as_json)


@webhook.command(name="off")
def webhook_off(one: Id, /, *, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """Send nothing to it; what happens meanwhile it does not hear of."""
    from appliance.commands.webhooks import switch

    return finish(switch(settings_of(data).socket, one, False, tenant=tenant, as_json=as_json), as_json=as_json)


@webhook.command(name="rotate")
def webhook_rotate(
    one: Id,
    /,
    *,
    grace_hours: Annotated[float, Parameter(help="How long the secret before is good too, at most 720.")] = 24.0,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Give it another secret, shown this once."""
    from appliance.commands.webhooks import rotate

    work = rotate(settings_of(data).socket, one, grace_hours, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)


@webhook.command(name="test")
def webhook_test(one: Id, /, *, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """Send it a `ping`."""
    from appliance.commands.webhooks import ping

    return finish(ping(settings_of(data).socket, one, tenant=tenant, as_json=as_json), as_json=as_json)


@webhook.command(name="deliveries")
def webhook_deliveries(
    one: Id,
    /,
    *,
    state: Annotated[str | None, Parameter(help="waiting, sent or dead.")] = None,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Show the latest deliveries to it."""
    from appliance.commands.webhooks import deliveries

    work = deliveries(settings_of(data).socket, one, state, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)


@webhook.command(name="redeliver")
def webhook_redeliver(
    one: Id,
    delivery: Annotated[UUID, Parameter(help="The id of the delivery.")],
    /,
    *,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Send the same again."""
    from appliance.commands.webhooks import redeliver

    work = redeliver(settings_of(data).socket, one, delivery, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)
