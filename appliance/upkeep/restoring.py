"""A backup put back into a directory that is no node yet, in this order.

1  every file of the backup is hashed             what is not whole is not begun with
2  the wrapped keys, where the directory has none; the caller opens them
3  files, each copied beside its place and renamed; plants whose key is gone are left out
4  a new epoch of the record                       what was recorded after the backup is never written over
5  `control.db`, and the mark of a whole node       only now it is one: cut off before, the same is done again
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from appliance.audit.epochs import EPOCH_FILE, begin_epoch, epoch_of
from appliance.errors import Conflict
from appliance.store.errors import BackupUnsound
from appliance.store.files import make_directory, sync_directory, write_durably
from appliance.store.keys import has_keys
from appliance.store.rows import ROWS
from appliance.upkeep.manifests import MANIFEST, SUMS, check_sums, keys_in, manifest_of

CONTROL_FILE: Final = "control.db"


class NodeIsHere(Conflict):
    """A backup was to be put into a directory that holds a node."""

    code, title = "node-is-here", "There is a node in that directory already"
    hint = "Stop it and move its directory away, or name an empty one with --data. Nothing was changed."


def prepare(backup: Path, data: Path, keys: Path, marks: Collection[str]) -> list[str]:
    """Steps 1 and 2: the names of the files to put back. Blocking.

    Args:
        keys: the `keys.json` to take the wrapped keys from.
        marks: files that only a whole node has.

    Raises:
        NodeIsHere: nothing was changed.
        BackupUnsound: nothing was changed.
    """
    if (data / CONTROL_FILE).exists() or any((data / mark).exists() for mark in marks):
        raise NodeIsHere(f"{data.name} holds a node.")
    names = check_sums(backup)
    folder = data / "keys"
    if not has_keys(folder) and not (folder / "recovery.wrapped").exists():
        wrapped = keys_in(keys)
        if strange := [name for name in wrapped if not name.endswith(".wrapped") and name != "generations.json"]:
            raise BackupUnsound(f"{keys.name} holds {strange[0]}, which is no wrapped key.")
        make_directory(folder)
        # The one that opens the others comes last: until it is there this is done again.
        for name in sorted(wrapped, key=lambda one: one == "recovery.wrapped"):
            write_durably(folder / name, wrapped[name])
    return names


def put_files_back(
    backup: Path, data: Path, names: Collection[str], held: Collection[str], marks: Collection[str]
) -> int:
    """Steps 3 to 5; the epoch that begins. Blocking.

    Args:
        held: the names under which there are keys (`control`, `tenant-<id>`).
    """
    last = [name for name in (CONTROL_FILE, *marks) if name in names]
    for name in _wanted(names, held):
        if name not in last:
            _put(backup / name, data / name)
    number = max(epoch_of(data), int(manifest_of(backup)["epoch"])) + 1
    begin_epoch(data, number)
    for name in last:
        _put(backup / name, data / name)
    return number


def _wanted(names: Collection[str], held: Collection[str]) -> Iterator[str]:
    for name in names:
        first, *rest = Path(name).parts
        erased = first == "tenants" and f"tenant-{rest[0]}" not in held
        if first != ROWS and not erased and name not in {EPOCH_FILE, MANIFEST, SUMS}:
            yield name


def _put(source: Path, target: Path) -> None:
    make_directory(target.parent)
    draft = target.with_name(f".{target.name}.restored")
    shutil.copyfile(source, draft)
    draft.chmod(0o600)
    with draft.open("rb+") as written:
        os.fsync(written.fileno())
    draft.replace(target)
    sync_directory(target.parent)
