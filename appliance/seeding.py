"""What a new data directory needs before it can be used, and what a demo puts into it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit import NewRecord, Recorder
from appliance.audit.instances import Instance
from appliance.client import open_door
from appliance.documents.ingest_cli import ingest
from appliance.errors import NotFound
from appliance.identity.passwords import Passwords
from appliance.identity.seed import seed_people
from appliance.identity.values import Credential
from appliance.processes import CREDENTIALS, INITIALISED
from appliance.settings import DEMO_MARK, Settings
from appliance.store import Store, Tenant, new_id, open_store
from appliance.unlocking import unlock

PLANT = Path(__file__).parent.parent / "demo" / "plant"
DEFAULT_TENANT = ("plant", "Plant")

log = structlog.get_logger(__name__)


class NoDemoPlant(NotFound):
    """The demo plant is part of the source tree, not of an installed release."""

    code, title = "no-demo-plant", "The demo plant is not here"
    hint = "Run the demo from a clone, or put your own documents in with `outpost ingest`."


async def initialise(settings: Settings, *, demo: bool) -> int:
    """Make keys, tables, tenants and their first people; do nothing twice.

    The recovery key is printed when the master key is made, and never again.
    """
    if demo and not PLANT.is_dir():
        raise NoDemoPlant("There is no demo plant beside the program.")
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = await open_store(settings.data, settings.database_url, unlock=unlock)
    try:
        if store.recovery_code is not None:
            print(f"outpost: recovery key, shown only now: {store.recovery_code}", flush=True)
            print("outpost: write it down; if keys/master.key is lost, it is the only way back.", flush=True)
        await store.migrate()
        tenants = await _tenants(store, _wanted() if demo else [DEFAULT_TENANT])
        async with recording(settings, store) as recorder:
            await make_people(settings, store, recorder, tenants)
            # Theirs, or those of a first start that was cut off here.
            await recorder.relay(None)
        if demo:
            (settings.data / DEMO_MARK).touch(mode=0o600)
        (settings.data / INITIALISED).touch(mode=0o600)
    finally:
        await store.close()
    return 0


def _wanted() -> list[tuple[str, str]]:
    found = [json.loads(path.read_text(encoding="utf-8"))["tenant"] for path in sorted(PLANT.glob("*/manifest.json"))]
    return [(one["slug"], one["name"]) for one in found]


async def _tenants(store: Store, wanted: list[tuple[str, str]]) -> list[Tenant]:
    """Those that are here, or made now; one that was erased does not come back."""
    known, gone = {tenant.slug: tenant for tenant in await store.tenants()}, {one.slug for one in await store.erased()}
    here = [(slug, name) for slug, name in wanted if slug not in gone]
    return [known.get(slug) or await store.create_tenant(slug, name) for slug, name in here]


@asynccontextmanager
async def recording(settings: Settings, store: Store) -> AsyncIterator[Recorder]:
    """The record, for a process that is none of the node's own."""
    settings.run.mkdir(mode=0o700, exist_ok=True)
    instance = Instance(settings.run)
    recorder = Recorder(store, instance)
    try:
        yield recorder
    finally:
        await recorder.close()
        instance.close()


async def make_people(settings: Settings, store: Store, recorder: Recorder, tenants: Sequence[Tenant]) -> None:
    """Make the first people of `tenants`; sign-ins that nobody admitted are in the record all the same.

    Their records wait in the outbox beside them until it is relayed, here or at the next start.
    """

    async def record(session: AsyncSession, tenant: Tenant, made: Sequence[Credential]) -> None:
        for one in made:
            made_known = NewRecord(
                tenant_id=tenant.id,
                event_type="admin.user_created",
                phase="single",
                correlation_id=new_id(),
                user_id=None,
                result_status="success",
                metadata={"role": one.role, "by": "first start"},
                personal={"username": one.username},
            )
            await recorder.outbox.put(session, recorder.leaf(made_known))

    passwords = Passwords()
    try:
        await seed_people(
            store, tenants, passwords=passwords, keep=partial(keep, settings.data / CREDENTIALS), record=record
        )
    finally:
        passwords.close()


def keep(path: Path, made: Sequence[Credential]) -> None:
    """Put new sign-ins into the file that only the owner can read, on the disk when it returns; whole or not at all.

    A sign-in takes the place of an older one of the same tenant and name, whose person was never committed.
    """
    known: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    new = {(one.tenant, one.username) for one in made}
    known = [one for one in known if (one["tenant"], one["username"]) not in new]
    temporary = path.with_suffix(".new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(known + [asdict(one) for one in made], file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


async def fill(settings: Settings) -> int:
    """Give the demo plant's documents to the running node; what it has already is left alone."""
    console = Console(file=sys.stdout, highlight=False)
    failed = 0
    for manifest in sorted(PLANT.glob("*/manifest.json")):
        async with open_door(settings.socket, tenant=manifest.parent.name) as door:
            summary = await ingest(
                door,
                [manifest.parent],
                tenant=manifest.parent.name,
                classification="INTERNAL",
                wait=True,
                manifest=manifest,
                console=console,
            )
        failed += summary.failed
    return 1 if failed else 0
