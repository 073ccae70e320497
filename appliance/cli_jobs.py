"""`outpost schedule …` and `outpost worker`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from appliance.cli_parts import AsJson, Data, Tenant, Wait, finish, settings_of

schedule = cyclopts.App(name="schedule", help="What the node does by itself, and when.")


@schedule.command(name="list")
def schedule_list(*, data: Data = None, tenant: Tenant = None, as_json: AsJson = False) -> int:
    """List the schedules: when each ran last, how that went, and when it runs next."""
    from appliance.commands.scheduling import list_schedules

    return finish(list_schedules(settings_of(data).socket, tenant=tenant, as_json=as_json), as_json=as_json)


@schedule.command(name="run")
def schedule_run(
    name: Annotated[str, Parameter(help="As `outpost schedule list` names it.")],
    /,
    *,
    wait: Wait = False,
    data: Data = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> int:
    """Do it now."""
    from appliance.commands.scheduling import run_schedule

    work = run_schedule(settings_of(data).socket, name, tenant=tenant, wait=wait, as_json=as_json)
    return finish(work, as_json=as_json)


def worker(
    *,
    types: Annotated[str, Parameter(help="Types of job with commas between, such as documents.ingest,db.check.")],
    data: Data = None,
) -> int:
    """Work on jobs of these types beside the node's own worker, until Ctrl-C or SIGTERM."""
    settings = settings_of(data)
    environment = os.environ | settings.environment()
    os.execve(sys.executable, [sys.executable, "-m", "appliance", "worker", "--types", types], environment)  # noqa: S606 - our own interpreter
