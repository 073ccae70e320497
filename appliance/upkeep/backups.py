"""Backups of a whole node, or of a hub: rows as of one moment, stored files, and what stands beside them.

    FOLDER/keys.json                          the wrapped keys, once, replaced by each backup: not part of any of them
    FOLDER/2027-03-31T021500Z/manifest.json   what it is, and which record it ends
                              checksums.sha256    as `sha256sum -c` reads it
                              control.db, audit.db, tenants/<id>/tenant.db     a node's, or
                              rows/...                                         a hub's (`store.rows`)
                              tenants/<id>/blobs/...                           stored files, as they are stored
    FOLDER/.2027-03-31T021500Z                one that is being made, or was when its maker was killed: it counts as none

Everything is encrypted as it is in the node. With the wrapped keys it opens under the recovery key on paper; the master key
is not here. A plant whose key is destroyed is gone from older backups too, once the next one has replaced `keys.json`.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import errno
import hashlib
import json
import os
import shutil
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

from appliance.audit.epochs import EPOCH_FILE, epoch_of
from appliance.audit.heads import HEAD_FILE
from appliance.audit.recorder import signer_of
from appliance.audit.verify import verify
from appliance.store import Group, Store, TenantId
from appliance.store.errors import BackupUnsound, StoreFull
from appliance.store.files import locked, make_directory, sync_directory, write_durably
from appliance.store.finishing import uninterrupted
from appliance.store.migrate import head
from appliance.upkeep import rules
from appliance.upkeep.manifests import FORMAT, KEYS, MANIFEST, SUMS, Backup, packed, read_manifest, sums_of, whole_in

SPARE: Final = 64 * 2**20
"""Bytes that are left free on the disk of the backups."""

Progress = Callable[[float, str], Awaitable[None]]


class Backups:
    """Args:
    folder: where they are kept; best on another disk.
    beside: small files and directories of the data directory that belong into a backup.
    """

    def __init__(self, store: Store, folder: Path, beside: Sequence[str] = ()) -> None:
        self._store, self.folder, self._beside = store, folder, tuple(dict.fromkeys((*beside, EPOCH_FILE)))

    async def make(
        self,
        progress: Progress,
        *,
        since: dt.datetime | None = None,
        daily: int = rules.DAILY,
        weekly: int = rules.WEEKLY,
    ) -> Backup:
        """Make one, check it, and let go of those that are too old; one that was made `since` then is that one.

        Raises:
            StoreBusy, StoreFull: there is no new one, and the old ones stay.
            BackupUnsound: what was written does not read back as it was; the old ones stay.
        """
        with _told_when_full():
            make_directory(self.folder)
            async with locked(self.folder / ".lock"):
                now = dt.datetime.now(dt.UTC).replace(microsecond=0)
                last = self.all()[-1:]
                # One from the future was made before the clock was set right.
                if last and since is not None and since <= last[0].made_at <= now:
                    return last[0]
                while (self.folder / rules.named(now)).exists():
                    now += dt.timedelta(seconds=1)
                draft = self.folder / f".{rules.named(now)}"
                for left in self.folder.glob(".*Z"):
                    shutil.rmtree(left)
                try:
                    await self._write(draft, now, progress)
                    draft.replace(self.folder / rules.named(now))
                finally:
                    shutil.rmtree(draft, ignore_errors=True)
                sync_directory(self.folder)
                self._let_go(daily, weekly)
                return read_manifest(self.folder / rules.named(now))

    def at(self, folder: Path) -> Backups:
        """The same, kept elsewhere."""
        return Backups(self._store, folder, self._beside)

    def all(self) -> list[Backup]:
        """Those that are whole, the oldest first."""
        return whole_in(self.folder)

    def _let_go(self, daily: int, weekly: int) -> None:
        every = {one.made_at: one.name for one in self.all()}
        stay = rules.kept(every, daily=daily, weekly=weekly)
        for moment in every.keys() - stay:
            # Renamed first: one that is half removed counts as none.
            gone = (self.folder / every[moment]).rename(self.folder / f".{every[moment]}")
            shutil.rmtree(gone)

    async def _write(self, draft: Path, now: dt.datetime, progress: Progress) -> None:
        store = self._store
        self._refuse_if_full()
        make_directory(draft)
        held = set(await store.copy_keys())
        await progress(0.0, "copying stored files")
        await uninterrupted(asyncio.to_thread(self._copy_blobs, draft, held))
        await progress(0.3, "copying the database")
        counted = await store.copy_rows(draft, lambda: self._copy_beside(draft))
        # Files that were stored meanwhile; one that is missing now was taken away on purpose.
        await uninterrupted(asyncio.to_thread(self._copy_blobs, draft, held))
        write_durably(self.folder / KEYS, packed(await store.copy_keys()))
        await progress(0.5, "reading the copy back")
        await store.check_copy(draft, counted)
        damaged = await uninterrupted(asyncio.to_thread(self._damaged, draft))
        await progress(0.7, "proving the record of the copy")
        logs, findings = await self._record_of(draft)
        await progress(0.9, "adding the checksums")
        sums = await uninterrupted(asyncio.to_thread(sums_of, draft))
        write_durably(draft / SUMS, "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode())
        manifest = {
            "format": FORMAT,
            "made_at": now.isoformat(),
            "node": signer_of(store).node_id,
            "epoch": epoch_of(draft),
            "revisions": {group.value: head(group) for group in Group},
            "rows": dict(counted),
            "logs": logs,
            "findings": findings,
            "damaged": damaged,
            "files": len(sums),
            "size": sum((draft / name).stat().st_size for name in sums),
            "checksums": hashlib.sha256((draft / SUMS).read_bytes()).hexdigest(),
        }
        write_durably(draft / MANIFEST, json.dumps(manifest, indent=1).encode() + b"\n")

    def _refuse_if_full(self) -> None:
        """Raises StoreFull."""
        last = self.all()[-1:]
        known = {path.name for path in (self.folder / last[0].name).glob("tenants/*/blobs/??/*")} if last else set()
        need = sum(
            path.stat().st_size
            for pattern in ("*.db", "tenants/*/tenant.db", "tenants/*/blobs/??/*")
            for path in self._store.data.glob(pattern)
            if path.name not in known
        )
        free = shutil.disk_usage(self.folder).free
        if need + SPARE > free:
            raise StoreFull(
                f"A backup takes {need // 2**20} MiB, {free // 2**20} MiB are free where they are kept.",
                hint="Free space there, or set OUTPOST_BACKUPS to another disk.",
            )

    def _copy_beside(self, draft: Path) -> None:
        for name in (*self._beside, HEAD_FILE):
            source = self._store.data / name
            for path in [source] if source.is_file() else sorted(source.rglob("*")):
                if path.is_file() and not path.name.startswith("."):
                    target = draft / path.relative_to(self._store.data)
                    make_directory(target.parent)
                    write_durably(target, path.read_bytes())

    def _copy_blobs(self, draft: Path, held: Collection[str]) -> None:
        """Copy what is not there yet; what the backup before has too is shared with it, where the disk can."""
        last = self.all()[-1:]
        for source in self._store.data.glob("tenants/*/blobs/??/*"):
            target = draft / source.relative_to(self._store.data)
            plant = target.relative_to(draft).parts[1]
            # What no key opens any more is erased.
            if f"tenant-{plant}.wrapped" not in held or source.name.startswith(".") or target.exists():
                continue
            make_directory(target.parent)
            if last and _linked(self.folder / last[0].name / target.relative_to(draft), target, source.stat().st_size):
                continue
            with contextlib.suppress(FileNotFoundError):
                _copy(source, target)
        for folder in draft.glob("tenants/*/blobs/??"):
            sync_directory(folder)

    def _damaged(self, draft: Path) -> list[str]:
        """Stored files that are damaged in the node too; what is damaged in the copy alone is copied again.

        Raises:
            BackupUnsound: it is damaged again.
        """
        found, copies, own = [], self._store.blobs.under(draft / "tenants"), self._store.blobs
        for folder in sorted((draft / "tenants").glob("*")):
            tenant_id = TenantId(UUID(folder.name))
            for name in copies.names(tenant_id):
                if copies.is_whole(tenant_id, name):
                    continue
                if not own.is_whole(tenant_id, name):
                    found.append(f"{tenant_id}/{name}")
                    continue
                # It was shared with an older backup, which has gone bad.
                target = folder / "blobs" / name[:2] / name
                target.unlink()
                _copy(self._store.data / target.relative_to(draft), target)
                if not copies.is_whole(tenant_id, name):
                    raise BackupUnsound(f"The copy of the stored file {name[:12]} is not what was copied.")
        return found

    async def _record_of(self, draft: Path) -> tuple[dict[str, int], list[str]]:
        """The logs of the copy with their sizes, and what is wrong with them. Raises BackupUnsound."""
        copy = self._store.of_copy(draft)
        report = await verify(copy or self._store)
        if copy is not None:
            await copy.close()
        # Of a log that has just begun the first head is written a moment after its first record.
        found = [one for one in report.every_finding() if one.kind != "head-missing" or one.log is None]
        if copy is not None and any(one.kind == "file-damaged" for one in found):
            raise BackupUnsound("The record of the copy cannot be read.")
        return {log.log: log.size for log in report.logs}, [one.text for one in found]


def _linked(shared: Path, target: Path, size: int) -> bool:
    """Whether `target` is now another name of a file of this size in the backup before."""
    try:
        if shared.stat().st_size != size:
            return False
        os.link(shared, target)
    except OSError:  # it is not there, or the disk (FAT) knows one name a file
        return False
    return True


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as whole, target.open("xb") as copy:
        shutil.copyfileobj(whole, copy, 1 << 20)
        copy.flush()
        os.fsync(copy.fileno())


@contextmanager
def _told_when_full() -> Iterator[None]:
    """Raises StoreFull for a disk that was filled meanwhile."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise StoreFull("The backup does not fit.", hint="Free space where backups are kept.") from error
