"""`outpost audit verify` and `outpost audit export`."""

from __future__ import annotations

import datetime as dt
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console

from appliance.audit.rows import Selection
from appliance.audit.values import NewRecord
from appliance.audit.verify import VerifyReport, verify
from appliance.errors import Conflict, InvalidInput, NotFound
from appliance.settings import Settings
from appliance.store import Store, Tenant, TenantId, new_id, open_store
from appliance.unlocking import unlock

if TYPE_CHECKING:
    from appliance.audit.export import Exported

Form = Literal["jsonl", "csv", "tiles"]


class FileExists(Conflict):
    """A command was asked to write a file that is already there."""

    code, title = "file-exists", "That file exists already"
    hint = "Choose another name; an export is never overwritten."


async def _open(settings: Settings) -> Store:
    return await open_store(settings.data, settings.database_url, create=False, unlock=unlock)


async def verify_record(settings: Settings, *, as_json: bool) -> int:
    """Print what the verifier found; 1 unless everything is as it was written. The node may be running."""
    store = await _open(settings)
    try:
        report = await verify(store)
    finally:
        await store.close()
    if as_json:
        sys.stdout.write(json.dumps({"ok": report.ok} | asdict(report)) + "\n")
    else:
        _show(Console(highlight=False, soft_wrap=not sys.stdout.isatty()), report)
    return 0 if report.ok else 1


def _show(console: Console, report: VerifyReport) -> None:
    console.print(f"node {report.node_id}, public key {report.public_key}")
    for log in report.logs:
        mark = "[green]ok[/]     " if log.ok else "[red]changed[/]"
        seen = f", witnessed up to {log.witnessed}" if log.witnessed else ""
        console.print(f"{mark} {log.log}: {_records(log.size)}, root {log.root[:16]}, saved head at {log.saved}{seen}")
    for finding in report.every_finding():
        console.print(f"[red]{finding.kind}[/]: {finding.text}")
    if report.ok:
        alone = "" if any(log.witnessed for log in report.logs) else " No witness has cosigned it yet."
        console.print(f"The record is as it was written.{alone}")


def _records(count: int) -> str:
    return f"{count} record" if count == 1 else f"{count} records"


class EmptyPeriod(InvalidInput):
    """An export was asked for from a moment to one that is not after it."""

    code, title = "empty-period", "Nothing lies between these two"
    hint = "Give --from a moment before --to; both are in UTC unless they name a zone."


class TilesAreWhole(InvalidInput):
    """Tiles of a part of a log were asked for."""

    code, title = "tiles-are-whole", "Tiles are of a whole log"
    hint = "Leave out --from and --to, or export a .jsonl file."


async def export_record(
    settings: Settings,
    out: Path,
    *,
    tenant: str | None,
    as_json: bool,
    form: Form | None = None,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    epoch: int | None = None,
) -> int:
    """Write one tenant's log to `out`, as the owner of the node: for proof, or as a table for a spreadsheet (`.csv`).

    The export is decided and recorded first, and stands itself in what it writes. The node may be running.

    Args:
        form: `tiles` makes a folder of it.
        since, until: records made from this moment on and before that one; an excerpt with proofs.
        epoch: which of the tenant's logs; by default the one that is being written.
    """
    from appliance.compose.foundation import foundation
    from appliance.identity.identities import owner_in
    from appliance.policy import Resource

    if out.exists():
        raise FileExists(f"{out.name} is already there.")
    selection = Selection(since=_in_utc(since), until=_in_utc(until))
    if selection.since is not None and selection.until is not None and selection.since >= selection.until:
        raise EmptyPeriod(f"{selection.since.isoformat()} is not before {selection.until.isoformat()}.")
    form = form or ("csv" if out.suffix == ".csv" else "jsonl")
    if form == "tiles" and not selection.whole:
        raise TilesAreWhole("--from and --to take a part of a log.")
    async with foundation(settings) as base:
        erased = await base.store.erased() if tenant else []
        found = [one for one in (*await base.store.tenants(), *erased) if tenant is None or one.slug == tenant]
        if not found:
            raise NotFound(f"There is no tenant {tenant!r} on this node.")
        plant = found[0]
        if plant in erased:
            # It has no policy any more that could decide, and no key that a record in its log could be sealed with.
            await base.recorder.append(_of_erased(plant))
            written = await _written(base.store, plant.id, out, form, selection, epoch)
        else:
            owner = owner_in(base.store, plant.id)
            async with base.gate.admit(owner, "audit.read_all", Resource("record")) as admitted:
                written = await _written(base.store, plant.id, out, form, selection, epoch)
                admitted.outcome.metadata |= {"export": form, "log": written.log, "records": written.records}
                admitted.outcome.metadata["root"] = written.root
    if as_json:
        sys.stdout.write(json.dumps(asdict(written)) + "\n")
    else:
        of = "" if selection.whole else f" of {written.size}"
        print(f"{_records(written.records)}{of}, root {written.root}")
        print(f"public key {written.public_key}; keep it where this node cannot change it")
        if form == "jsonl":
            print(f"check it anywhere: python3 verify_audit.py {out.name} --key {written.public_key}")
    return 0


async def _written(
    store: Store, tenant_id: TenantId, out: Path, form: Form, selection: Selection, epoch: int | None
) -> Exported:
    from appliance.audit.export import export
    from appliance.audit.tiling import export_tiles

    if form == "tiles":
        return await export_tiles(store, tenant_id, out, epoch=epoch)
    return await export(store, tenant_id, out, form=form, selection=selection, epoch=epoch)


def _of_erased(plant: Tenant) -> NewRecord:
    """That the owner exports the log of an erased plant; it stands in the node's own."""
    return NewRecord(
        tenant_id=None,
        event_type="audit.read_all",
        phase="single",
        correlation_id=new_id(),
        user_id=None,
        actor_kind="owner",
        resource_type="tenant",
        resource_id=str(plant.id),
        metadata={"slug": plant.slug},
    )


def _in_utc(at: dt.datetime | None) -> dt.datetime | None:
    return at if at is None or at.tzinfo is not None else at.replace(tzinfo=dt.UTC)
