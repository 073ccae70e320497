"""The commands about policy packs and approvals."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal

import cyclopts
from cyclopts import Parameter

from appliance.cli_parts import AsJson, Data, Tenant, finish, settings_of

policy = cyclopts.App(name="policy", help="Say who may do what: look, compare, put in force, take back, explain.")

approval = cyclopts.App(name="approval", help="What data owners are asked, and what they answer.")

Folder = Annotated[Path, Parameter(help="A directory with the files of a pack.")]
Version = Annotated[str, Parameter(help="Of a pack; `release` is the shipped one.")]


@policy.command
def check(folder: Folder, /, *, as_json: AsJson = False) -> int:
    """Look at a pack here, without a node: is it whole, sound, and can lists be filtered by it?"""
    from appliance.commands.policing import check as checked

    return finish(checked(folder, as_json=as_json), as_json=as_json)


@policy.command
def export(
    folder: Annotated[Path, Parameter(help="An empty or new directory.")],
    /,
    *,
    version: Annotated[str | None, Parameter(help="Which pack. [default: the one in force]")] = None,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Write the files of a pack into a directory, to be read or changed."""
    from appliance.commands.policing import export as exported

    work = exported(settings_of(data).socket, folder, version, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)


@policy.command
def stage(folder: Folder, /, *, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """Bring a pack to the node. It is checked and kept, and decides nothing yet."""
    from appliance.commands.policing import stage as staged

    return finish(staged(settings_of(data).socket, folder, tenant=tenant, as_json=as_json), as_json=as_json)


@policy.command(name="list")
def list_packs(*, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """Show the packs of a plant, and which of them decides."""
    from appliance.commands.policing import listed

    return finish(listed(settings_of(data).socket, tenant=tenant, as_json=as_json), as_json=as_json)


@policy.command
def preview(version: Version, /, *, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """Show what a pack would decide otherwise: by role, over the last 1,000 decisions, and who would see what."""
    from appliance.commands.policing import preview as previewed

    return finish(previewed(settings_of(data).socket, version, tenant=tenant, as_json=as_json), as_json=as_json)


@policy.command
def activate(
    version: Version,
    /,
    *,
    confirm: Annotated[str | None, Parameter(help="The word of its preview, if it widens what people may do.")] = None,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Put a pack in force. One that allows what is refused now needs the word of its preview."""
    from appliance.commands.policing import activate as activated

    work = activated(settings_of(data).socket, version, confirm, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)


@policy.command
def rollback(
    *,
    confirm: Annotated[str | None, Parameter(help="The word of its preview, if going back widens.")] = None,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Put the pack in force that was before the last switch. Where that widens it needs the word of its preview."""
    from appliance.commands.policing import rollback as taken_back

    work = taken_back(settings_of(data).socket, confirm, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)


@policy.command
def history(*, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """Show every switch, the newest first."""
    from appliance.commands.policing import history as switches

    return finish(switches(settings_of(data).socket, tenant=tenant, as_json=as_json), as_json=as_json)


@policy.command
def explain(
    action: Annotated[str, Parameter(help="As in the record: documents.read, people.create …")],
    resource: Annotated[str, Parameter(help="A kind, or KIND:ID: document, document:0190…, person …")],
    /,
    *,
    subject: Annotated[str, Parameter(name="--as", help="A name, `kiosk:NAME`, or `role:viewer`.")],
    level: Annotated[int | None, Parameter(help="Ask about a document of this class, 1 to 4.")] = None,
    tag: Annotated[tuple[str, ...], Parameter(help="… with this tag; may be given again.")] = (),
    version: Annotated[str | None, Parameter(help="By which pack. [default: the one in force]")] = None,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Say what would be decided for somebody, and name the policies that decide, in words."""
    from appliance.commands.policing import explain as explained

    kind, _, name = resource.partition(":")
    asked = {"subject": subject, "action": action, "resource": kind, "resource_id": name or None, "level": level,
             "tags": list(tag), "version": version}  # fmt: skip
    return finish(explained(settings_of(data).socket, asked, tenant=tenant, as_json=as_json), as_json=as_json)


@approval.command(name="list")
def list_approvals(
    *,
    state: Annotated[Literal["pending", "approved", "rejected"] | None, Parameter(help="Only these.")] = None,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Show what data owners were asked, the latest first."""
    from appliance.commands.approving import listed

    return finish(listed(settings_of(data).socket, state, tenant=tenant, as_json=as_json), as_json=as_json)


@approval.command
def ask(
    document: Annotated[str, Parameter(help="Its id.")],
    kind: Annotated[
        Literal["use", "declassify", "regime"],
        Parameter(help="A use of a class IV, a lower class, a looser export regime."),
    ],
    /,
    *,
    purpose: Annotated[str, Parameter(name="--for", help="What it is for.")],
    person: Annotated[tuple[str, ...], Parameter(help="Who is to use it; may be given again.")] = (),
    until: Annotated[dt.date | None, Parameter(help="The last day of the use, as in 2027-03-31.")] = None,
    to: Annotated[str | None, Parameter(help="The class or the regime it should have.")] = None,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Ask the data owner of a document."""
    from appliance.commands.approving import ask as asked

    end = None if until is None else dt.datetime.combine(until + dt.timedelta(days=1), dt.time(), dt.UTC).isoformat()
    wanted = {
        "kind": kind,
        "purpose": purpose,
        "people": list(person),
        "until": end,
        "regime" if kind == "regime" else "classification": to,
    }
    return finish(asked(settings_of(data).socket, document, wanted, tenant=tenant, as_json=as_json), as_json=as_json)


Answer = Annotated[str, Parameter(help="What the person who asked is told.")]
Request = Annotated[str, Parameter(help="The id of what was asked.")]


@approval.command
def approve(
    request: Request, /, *, answer: Answer = "", data: Data = None, tenant: Tenant = None, as_json: AsJson = False
) -> int:
    """Say yes; what follows from it is done at once."""
    from appliance.commands.approving import decide

    work = decide(settings_of(data).socket, request, approve=True, answer=answer, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)


@approval.command
def reject(
    request: Request, /, *, answer: Answer = "", data: Data = None, tenant: Tenant = None, as_json: AsJson = False
) -> int:
    """Say no."""
    from appliance.commands.approving import decide

    work = decide(settings_of(data).socket, request, approve=False, answer=answer, tenant=tenant, as_json=as_json)
    return finish(work, as_json=as_json)
