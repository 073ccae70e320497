"""`outpost tenant …`."""

from __future__ import annotations

from typing import Annotated

import cyclopts
from cyclopts import Parameter

from appliance.cli_parts import AsJson, Data, finish, settings_of

tenant = cyclopts.App(name="tenant", help="The plants of this node, each with data of its own.")
Slug = Annotated[str, Parameter(help="Its short name, as people type it at sign-in.")]


@tenant.command(name="list")
def tenant_list(*, data: Data = None, as_json: AsJson = False) -> int:
    """List the plants of this node."""
    from appliance.commands.tenants import list_tenants

    return finish(list_tenants(settings_of(data).socket, as_json=as_json), as_json=as_json)


@tenant.command(name="add")
def tenant_add(
    slug: Slug,
    name: Annotated[str, Parameter(help="What people call it.")],
    /,
    *,
    data: Data = None,
    as_json: AsJson = False,
) -> int:
    """Make a plant with one admin, whose password is shown this once."""
    from appliance.commands.tenants import add_tenant

    return finish(add_tenant(settings_of(data).socket, slug, name, as_json=as_json), as_json=as_json)


@tenant.command(name="rename")
def tenant_rename(
    slug: Slug,
    name: Annotated[str, Parameter(help="What people call it from now on.")],
    /,
    *,
    data: Data = None,
    as_json: AsJson = False,
) -> int:
    """Call a plant something else; its short name stays."""
    from appliance.commands.tenants import change_tenant

    return finish(change_tenant(settings_of(data).socket, slug, {"name": name}, as_json=as_json), as_json=as_json)


@tenant.command(name="off")
def tenant_off(slug: Slug, /, *, data: Data = None, as_json: AsJson = False) -> int:
    """Let nobody of a plant in, at once; everything of it stays kept."""
    from appliance.commands.tenants import change_tenant

    return finish(change_tenant(settings_of(data).socket, slug, {"is_active": False}, as_json=as_json), as_json=as_json)


@tenant.command(name="on")
def tenant_on(slug: Slug, /, *, data: Data = None, as_json: AsJson = False) -> int:
    """Let the people of a plant in again."""
    from appliance.commands.tenants import change_tenant

    return finish(change_tenant(settings_of(data).socket, slug, {"is_active": True}, as_json=as_json), as_json=as_json)


@tenant.command(name="delete")
def tenant_delete(
    slug: Slug,
    /,
    *,
    purge_now: Annotated[
        bool, Parameter(name="--purge-now", negative="", help="Erase it within a minute, not in 30 days.")
    ] = False,
    confirm: Annotated[
        str | None, Parameter(help="With --purge-now: its short name again, where nobody can be asked for it.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> int:
    """Switch a plant off, and erase it with all its data in 30 days; `outpost tenant on` undoes it until then."""
    from appliance.commands.tenants import delete_tenant

    work = delete_tenant(settings_of(data).socket, slug, now=purge_now, confirm=confirm, as_json=as_json)
    return finish(work, as_json=as_json)
