"""Does the jobs of upkeep. What each does is decided and recorded once more: it may be long after it was asked for."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit.errors import RecordUnavailable
from appliance.audit.export import export
from appliance.errors import OutpostError
from appliance.gate import Gate
from appliance.jobs import Handler, Retry, RunningJob, Watch
from appliance.jobs.service import forget_ended
from appliance.jobs.values import State
from appliance.news import Kind, tell, tell_alone
from appliance.policy import Resource
from appliance.store import Admitted, Store
from appliance.store.errors import StoreBusy
from appliance.upkeep import database, types
from appliance.upkeep.backups import Backups
from appliance.upkeep.errors import CheckFailed
from appliance.upkeep.retention import Retention
from appliance.upkeep.values import upkeep_of

Probe = Callable[[], Awaitable[str]]
"""Says in words that a part is well, or raises OutpostError."""


class Working:
    """Args:
    probes: the parts whose health is asked for, by name.
    exports: the directory that exports of the record are written to, one below it for each tenant.
    backups: where backups are made.
    """

    def __init__(
        self,
        store: Store,
        gate: Gate,
        probes: Mapping[str, Probe],
        exports: Path,
        backups: Backups,
        retention: Retention,
    ) -> None:
        self._store, self._gate, self._probes, self._exports = store, gate, probes, exports
        self._backups, self._retention = backups, retention

    @property
    def handlers(self) -> dict[str, Handler]:
        return {
            types.CHECK: self._check,
            types.OPTIMIZE: self._optimize,
            types.CLEANUP: self._cleanup,
            types.BACKUP: self._backup,
            types.HEALTH: self._health,
            types.EXPORT: self._export,
            types.PURGE: self._purge,
        }

    @property
    def watches(self) -> dict[str, Watch]:
        """Who looks after the node hears of it where one of these fails."""
        return {kind: partial(_moved, kind) for kind in self.handlers}

    @asynccontextmanager
    async def _admitted(self, job: RunningJob) -> AsyncIterator[Admitted]:
        resource = Resource("job", str(job.id), {"owner": job.owner_id, "kind": job.kind})
        async with self._gate.admit(upkeep_of(job.tenant_id), "jobs.manage", resource) as admitted:
            admitted.outcome.metadata["type"] = job.kind
            yield admitted

    async def _check(self, job: RunningJob) -> Mapping[str, Any]:
        async with self._admitted(job) as admitted:
            await job.progress(0.1, "reading every page")
            async with self._store.open_session(admitted) as session:
                found = await database.check(session)
            admitted.outcome.metadata["found"] = len(found)
            if found:
                raise CheckFailed(f"{len(found)} things are wrong, the first: {found[0]}.", found=found)
        return {"found": []}

    async def _optimize(self, job: RunningJob) -> Mapping[str, Any]:
        async with self._admitted(job) as admitted, self._store.open_session(admitted, write=True) as session:
            return {"done": await database.optimize(session)}

    async def _cleanup(self, job: RunningJob) -> Mapping[str, Any]:
        days = types.Ages.model_validate(dict(job.payload)).days
        now = dt.datetime.now(dt.UTC)
        async with self._admitted(job) as admitted, self._store.open_session(admitted, write=True) as session:
            gone = await forget_ended(
                session, before=now - dt.timedelta(days=days), failed_before=now - dt.timedelta(days=3 * days)
            )
            files = await asyncio.to_thread(
                _remove_old, self._exports / str(job.tenant_id), now - dt.timedelta(days=days)
            )
            admitted.outcome.metadata |= {"jobs": gone, "exports": files}
        return {"jobs": gone, "exports": files}

    async def _backup(self, job: RunningJob) -> Mapping[str, Any]:
        keep = types.Keep.model_validate(dict(job.payload))
        async with self._admitted(job) as admitted:
            try:
                made = await self._backups.make(job.progress, since=job.asked_at, daily=keep.daily, weekly=keep.weekly)
            except StoreBusy as error:
                raise Retry(error.detail, seconds=30) from None
            admitted.outcome.metadata |= {"backup": made.name, "files": made.files, "damaged": len(made.damaged)}
        return {
            "backup": made.name,
            "files": made.files,
            "mib": made.size // 2**20,
            "findings": list(made.findings),
            "damaged": list(made.damaged),
        }

    async def _health(self, job: RunningJob) -> Mapping[str, Any]:
        day = f"{dt.datetime.now(dt.UTC):%Y-%m-%d}"
        try:
            async with self._admitted(job) as admitted:
                found = await asyncio.gather(*(_asked(probe) for probe in self._probes.values()))
                parts = dict(zip(self._probes, found, strict=True))
                if down := [name for name, one in parts.items() if not one["up"]]:
                    async with self._store.open_session(admitted, write=True) as session:
                        for part in down:
                            kind: Kind = "disk.low" if part == "disk" else "part.down"
                            await tell(session, kind, slot=f"{part}:{day}", part=part)
        except RecordUnavailable:
            await tell_alone(self._store, job.tenant_id, "record.stopped", slot=f"record:{day}")
            raise
        return {"parts": parts}

    async def _purge(self, job: RunningJob) -> Mapping[str, Any]:
        asked = types.Cutoff.model_validate(dict(job.payload))
        async with self._admitted(job) as admitted:
            done = await self._retention.run(job.tenant_id, before=asked.before, dry_run=asked.dry_run)
            admitted.outcome.metadata |= done
        return done

    async def _export(self, job: RunningJob) -> Mapping[str, Any]:
        form = types.Form.model_validate(dict(job.payload)).form
        folder = self._exports / str(job.tenant_id)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        out = folder / f"record-{job.id}.{form}"
        async with self._admitted(job) as admitted:
            await job.progress(0.1, "writing the record")
            written = await export(self._store, job.tenant_id, out, form=form)
            admitted.outcome.metadata["records"] = written.records
        return {"file": out.name, "records": written.records, "root": written.root}


def _remove_old(folder: Path, before: dt.datetime) -> int:
    """Exports of the record that were written before then; the record itself is kept. Returns how many there were."""
    old = [path for path in folder.glob("record-*") if path.stat().st_mtime < before.timestamp()]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


async def _moved(kind: str, session: AsyncSession, _payload: Mapping[str, Any], state: State, _reason: str) -> None:
    if state == "failed":
        now = dt.datetime.now(dt.UTC)
        await tell(session, "upkeep.failed", slot=f"failed:{kind}:{now:%Y%m%d%H}", type=kind)


async def _asked(probe: Probe) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        up, said = True, await probe()
    except OutpostError as error:
        up, said = False, error.detail
    return {"up": up, "said": said, "ms": round((time.perf_counter() - began) * 1000)}
