"""Erases plants that their owner deleted, when their day has come. Killed between any two steps, it goes on where it ended.

    due ─> begin ──────> last records ──> key, rows, files, exports ──> the node's record ──> done
           admitted,     (its outbox)    └────────── nothing is readable once the key is gone ──────────┘
           in its log
    └─ can be undone ─┘└─ from here on nobody opens it: it is no tenant of the node any more

What stays is its log, which says who did what and, with the key, no longer says their names.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

import structlog
from sqlalchemy import select

from appliance.audit import Leaf, NewRecord
from appliance.errors import OutpostError
from appliance.gate import Gate, Refused
from appliance.policy import Resource
from appliance.store import CONTROL, Purpose, RecordRef, Store, Tenant, TenantId, tenant_from
from appliance.store.erasing import remove_tree
from appliance.store.tables import TenantRow
from appliance.upkeep.planning import utc_now
from appliance.upkeep.values import upkeep_of

LOOK_SECONDS: Final = 60.0
AGAIN: Final = dt.timedelta(hours=1)
"""After a refusal: a plant that is held back is asked for again, but does not fill its log."""
PURGED: Final = "tenants.purged"
_RECORDS: Final = uuid.UUID("0c6c0b8e-6f0e-4a5e-9f37-3c6f2f1d9b52")
"""The name space of the node's records: a plant is recorded as erased once."""

log = structlog.get_logger(__name__)


class Records(Protocol):
    """The recorder."""

    async def relay(self, tenant_id: TenantId | None) -> int:
        """Append what stands in an outbox, and empty it."""

    def leaf(self, record: NewRecord) -> Leaf:
        """Fix the bytes of a record."""

    async def append_once(self, leaves: list[Leaf]) -> list[RecordRef]:
        """Append those that are in no log yet."""


class Purging:
    """Args:
    exports: the directory with the exports of each tenant's record, which name people in the clear.
    """

    def __init__(
        self, store: Store, gate: Gate, records: Records, exports: Path, *, clock: Callable[[], dt.datetime] = utc_now
    ) -> None:
        self._store, self._gate, self._records, self._exports, self._clock = store, gate, records, exports, clock
        self._refused: dict[TenantId, dt.datetime] = {}

    async def run(self) -> None:
        """Look every minute, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Erase what is due, and end what was begun; what fails is tried at the next look."""
        now = self._clock()
        try:
            due = [one for one in await self._store.tenants() if _is_due(one, now) and not self._waits(one, now)]
            for one in due:
                await self._attempt(one, begun=False)
            for one in await self._store.erased():
                if one.purged_at is None:
                    await self._attempt(one, begun=True)
        except OutpostError as error:
            log.warning("nobody could look which plants are to be erased", code=error.code)

    async def _attempt(self, tenant: Tenant, *, begun: bool) -> None:
        try:
            if begun or await self._begin(tenant):
                await self._end(tenant)
        except Refused:
            self._refused[tenant.id] = self._clock()
            log.warning("a plant that was deleted is held back by its policy", tenant=tenant.slug)
        except OutpostError as error:
            log.warning("a plant could not be erased yet", tenant=tenant.slug, code=error.code)

    async def _begin(self, tenant: Tenant) -> bool:
        """From here on it cannot be undone. False if that was done meanwhile."""
        resource = Resource("tenant", str(tenant.id), {"tenant": tenant.id})
        async with (
            self._gate.admit(upkeep_of(tenant.id), "tenants.purge", resource) as admitted,
            self._store.open_control(admitted, write=True) as session,
        ):
            row = await session.scalar(select(TenantRow).where(TenantRow.id == tenant.id).with_for_update())
            due = row is not None and row.purge_begun_at is None and _is_due(tenant_from(row), self._clock())
            admitted.outcome.metadata |= {"slug": tenant.slug, "begun": due}
            if row is not None and due:
                row.purge_begun_at = self._clock()
        return due

    async def _end(self, tenant: Tenant) -> None:
        """Every step may be done again."""
        if self._store.has_key(tenant.id):
            await self._records.relay(tenant.id)
        await self._store.erase(tenant.id)
        await asyncio.to_thread(remove_tree, self._exports / str(tenant.id))
        await self._records.append_once([self._records.leaf(_erased(tenant))])
        async with self._store.open_internal(Purpose.PURGE, CONTROL, write=True) as session:
            row = await session.get_one(TenantRow, tenant.id)
            row.purged_at = self._clock()
        log.info("a plant was erased", tenant=tenant.slug)

    def _waits(self, tenant: Tenant, now: dt.datetime) -> bool:
        refused = self._refused.get(tenant.id)
        return refused is not None and refused <= now < refused + AGAIN


def _is_due(tenant: Tenant, now: dt.datetime) -> bool:
    return not tenant.is_active and tenant.purge_at is not None and tenant.purge_at <= now


def _erased(tenant: Tenant) -> NewRecord:
    return NewRecord(
        id=uuid.uuid5(_RECORDS, str(tenant.id)),
        tenant_id=None,
        event_type=PURGED,
        phase="single",
        correlation_id=uuid.uuid5(_RECORDS, f"work {tenant.id}"),
        user_id=None,
        result_status="success",
        actor_kind="service",
        resource_type="tenant",
        resource_id=str(tenant.id),
        metadata={"slug": tenant.slug},
    )
