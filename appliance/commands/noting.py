"""The record of what the owner does at the command line to keys and certificates, whether the node runs or not.

begins   a durable pre-record; if it cannot be written, nothing is done
ended    the post-record, with the master key that is in force by then
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from appliance.audit.values import NewRecord, Phase, ResultStatus
from appliance.errors import OutpostError
from appliance.processes import INITIALISED
from appliance.seeding import recording
from appliance.settings import Settings
from appliance.store import Store, new_id, open_store


class Noted:
    """One action. A directory that was never a whole node has no record to write to.

    Raises:
        RecordUnavailable, StoreUnreachable: from `begins`, and nothing may be done.
    """

    def __init__(self, settings: Settings, action: str, facts: Mapping[str, Any]) -> None:
        self._settings, self._action, self._facts, self._correlation = settings, action, dict(facts), new_id()

    def adds(self, facts: Mapping[str, Any]) -> None:
        """What is known only now; the post-record says it."""
        self._facts |= facts

    async def begins(self, master: bytes) -> None:
        await self._note(master, "pre", None)

    async def ended(self, master: bytes, error: OutpostError | None = None) -> None:
        await self._note(master, "post", self.status(error))

    async def was_done(self, master: bytes) -> None:
        """Write down alone what could not be written down before."""
        await self._note(master, "single", "success")

    def status(self, error: OutpostError | None) -> ResultStatus:
        """How it ended; what went wrong goes into the facts."""
        if error is None:
            return "success"
        self._facts["error"] = error.code
        return "error"

    async def _note(self, master: bytes, phase: Phase, status: ResultStatus | None) -> None:
        if not (self._settings.data / INITIALISED).exists():
            return
        settings = self._settings

        def known(_: Path) -> bytes:
            return master

        store = await open_store(settings.data, settings.database_url, create=False, unlock=known)
        try:
            await self.note(store, phase, status)
        finally:
            await store.close()

    async def note(self, store: Store, phase: Phase, status: ResultStatus | None = None) -> None:
        """Write it into a store that is open."""
        async with recording(self._settings, store) as recorder:
            await recorder.append(
                NewRecord(
                    tenant_id=None,
                    event_type=self._action,
                    phase=phase,
                    correlation_id=self._correlation,
                    user_id=None,
                    result_status=status,
                    metadata=self._facts | {"action": self._action, "by": "command line"},
                    actor_kind="owner",
                    role="admin",
                )
            )


@asynccontextmanager
async def noted(settings: Settings, store: Store, action: str, facts: Mapping[str, Any]) -> AsyncIterator[Noted]:
    """The same around work with a store that is open."""
    one = Noted(settings, action, facts)
    await one.note(store, "pre")
    try:
        yield one
    except OutpostError as error:
        await one.note(store, "post", one.status(error))
        raise
    await one.note(store, "post", "success")
