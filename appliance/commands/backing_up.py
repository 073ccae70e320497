"""`outpost backup …` and `outpost restore`. Both work on the data directory itself, whether the node runs or not."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from appliance.audit.verify import verify
from appliance.commands.noting import Noted, noted
from appliance.compose.worker import backups_of
from appliance.privacy.ledger import carry
from appliance.processes import INITIALISED
from appliance.settings import Settings
from appliance.store import Store, open_store, recover_master_key
from appliance.store.keeping import mode_of
from appliance.store.postgres import PostgresStore
from appliance.unlocking import typed, unlock
from appliance.upkeep.backups import Backups
from appliance.upkeep.manifests import KEYS, Backup, check_sums, manifest_of, read_manifest, whole_in
from appliance.upkeep.restoring import prepare, put_files_back


async def make(settings: Settings, to: Path | None, *, as_json: bool) -> int:
    """Make one now, in `to` or where they are always made. Raises StoreBusy, StoreFull, BackupUnsound."""
    store = await open_store(settings.data, settings.database_url, create=False, unlock=unlock)
    try:
        backups = _backups(settings, store, to)
        async with noted(settings, store, "backup.make", {"elsewhere": to is not None}):
            made = await backups.make(_quiet if as_json else _say)
    finally:
        await store.close()
    if as_json:
        sys.stdout.write(json.dumps(_facts(made)) + "\n")
    else:
        print(f"{backups.folder / made.name}: {made.files} files, {made.size // 2**20} MiB, proven")
        for word in (*made.findings, *(f"the stored file {name} is damaged in the node" for name in made.damaged)):
            print(f"found: {word}")
    return 0


async def listed(settings: Settings, *, as_json: bool) -> int:
    """Those that are whole."""
    every = whole_in(settings.backups)
    if as_json:
        sys.stdout.write(json.dumps({"folder": str(settings.backups), "items": [_facts(one) for one in every]}) + "\n")
        return 0
    table = Table("backup", "files", "MiB", "epoch", "records", "found", box=None, pad_edge=False)
    for one in every:
        found = len(one.findings) + len(one.damaged)
        numbers = (one.files, one.size // 2**20, one.epoch, sum(one.logs.values()), found)
        table.add_row(one.name, *map(str, numbers))
    Console(highlight=False, soft_wrap=not sys.stdout.isatty()).print(table)
    return 0


async def check(path: Path, *, as_json: bool) -> int:
    """Hash every file of a backup again; no key is needed. Raises BackupUnsound."""
    names = await asyncio.to_thread(check_sums, path)
    found = read_manifest(path)
    said = f"{found.name}: {len(names)} files are as they were written; it shows {found.made_at.isoformat()}\n"
    sys.stdout.write(json.dumps({"ok": True, **_facts(found)}) + "\n" if as_json else said)
    return 0


async def restore(settings: Settings, path: Path, keys: Path | None, *, as_json: bool) -> int:
    """Make a node of a backup, in a new epoch of the record.

    Raises:
        NodeIsHere, BackupUnsound, WrongRecoveryCode: there is no node afterwards either.
    """
    path = path.absolute()
    marks, folder = (INITIALISED,), settings.data / "keys"
    names = await asyncio.to_thread(prepare, path, settings.data, keys or path.parent / KEYS, marks)
    if mode_of(folder) is None:
        recover_master_key(folder, typed("recovery key: "))
    owner_url = typed("URL of the database, as the owner of its tables: ") if settings.role == "hub" else None
    store = await open_store(settings.data, settings.database_url, owner_url=owner_url, create=False, unlock=unlock)
    try:
        if isinstance(store, PostgresStore):
            await store.put_back(path, manifest_of(path)["revisions"])
        held = {name.removesuffix(".wrapped") for name in await store.copy_keys()}
        await asyncio.to_thread(carry, path.parent, settings.backups)
        epoch = await asyncio.to_thread(put_files_back, path, settings.data, names, held, marks)
        await store.migrate()
        report = await verify(store)
        facts = {"backup": path.name, "epoch": epoch, "logs": {log.log: log.size for log in report.logs}}
        await Noted(settings, "backup.restore", facts).note(store, "single", "success")
    finally:
        await store.close()
    if as_json:
        sys.stdout.write(json.dumps(facts | {"ok": report.ok}) + "\n")
    else:
        print(f"{settings.data} is the node of {path.name} again; its record goes on in epoch {epoch}")
        print("people, keys and rights are as they were then: revoke again what was revoked since")
        for finding in report.every_finding():
            print(f"{finding.kind}: {finding.text}")
    return 0 if report.ok else 1


def _backups(settings: Settings, store: Store, to: Path | None) -> Backups:
    usual = backups_of(settings, store)
    return usual if to is None else usual.at(to.absolute())


def _facts(made: Backup) -> dict[str, Any]:
    return asdict(made) | {"made_at": made.made_at.isoformat()}


async def _quiet(_share: float, _word: str) -> None:
    return None


async def _say(share: float, word: str) -> None:
    print(f"{share:4.0%}  {word}", flush=True)
