"""`outpost holds …`."""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from uuid import UUID

import cyclopts
from cyclopts import Parameter

from appliance.cli_parts import AsJson, Data, Tenant, finish, settings_of

holds = cyclopts.App(name="holds", help="What must be kept: neither purged, nor deleted, nor erased.")
Why = Annotated[str, Parameter(help="Why, for whoever looks later.")]


@holds.command(name="list")
def holds_list(
    *,
    released: Annotated[bool, Parameter(name="--all", help="Those that were released too.")] = False,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """List what is kept, and why."""
    from appliance.commands.holding import list_holds

    work = list_holds(settings_of(data).socket, released=released, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)


@holds.command(name="set")
def holds_set(
    *,
    reason: Why,
    since: Annotated[
        dt.datetime | None, Parameter(name="--from", help="What was made at this moment or later; UTC.")
    ] = None,
    until: Annotated[dt.datetime | None, Parameter(name="--to", help="What was made before it; UTC.")] = None,
    person: Annotated[str | None, Parameter(help="Of this person, by the name they sign in with.")] = None,
    document: Annotated[UUID | None, Parameter(help="This document, by its id.")] = None,
    work: Annotated[UUID | None, Parameter(help="One piece of work, by the correlation id of its records.")] = None,
    everything: Annotated[bool, Parameter(help="Everything of the plant; with nothing else.")] = False,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Keep what fits all that is named, until the hold is released."""
    from appliance.commands.holding import Wanted, set_hold

    wanted = Wanted(reason, since, until, person, document, work, everything)
    return finish(set_hold(settings_of(data).socket, wanted, tenant=tenant, as_json=as_json), as_json=as_json)


@holds.command(name="release")
def holds_release(
    hold: Annotated[UUID, Parameter(help="Its id, as `holds list` shows it.")],
    /,
    *,
    reason: Why,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Let go of what was kept; it goes when its time is over."""
    from appliance.commands.holding import release_hold

    work = release_hold(settings_of(data).socket, hold, reason, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)
