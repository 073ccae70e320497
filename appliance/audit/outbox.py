"""The outbox: a post-record becomes durable in the transaction of the change it describes, and reaches its log after.

    BEGIN · the change · outbox row · COMMIT ──> append to the log (once) ──> answer the caller
                                                        └─ later, for many at once: delete the rows

A crash between commit and append leaves the row; it is relayed at the next start, before dangling records are closed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.audit.records import Leaf, pack_personal, unpack_personal
from appliance.audit.tables import ControlOutboxRow, TenantOutboxRow
from appliance.errors import OutpostError
from appliance.store import CONTROL, Purpose, RecordRef, Store, TenantId, Where

BATCH: Final = 256
SWEEP_AFTER_S: Final = 0.25
"""How long relayed rows may gather before one transaction deletes them all."""

AppendOnce = Callable[[Sequence[Leaf]], Awaitable[list[RecordRef]]]


class Outbox:
    """The outboxes of all tenants and of the node.

    Args:
        append_once: appends leaves durably, each id at most once.
    """

    def __init__(self, store: Store, append_once: AppendOnce) -> None:
        self._store = store
        self._append_once = append_once
        self._relayed: dict[TenantId | None, set[str]] = {}
        self._sweeper: asyncio.Task[None] | None = None

    async def put(self, session: AsyncSession, leaf: Leaf) -> TenantId | None:
        """Add a row to the outbox beside the session's rows; returns whose outbox that is."""
        connection = await session.connection()
        tenant_id: TenantId | None = connection.sync_connection.get_execution_options().get("tenant_id")  # type: ignore[union-attr]
        table = ControlOutboxRow if tenant_id is None else TenantOutboxRow
        row = {"id": leaf.id, "record": leaf.record, "personal": pack_personal(leaf.personal)}
        await session.execute(insert(table), [row])
        return tenant_id

    async def deliver(self, tenant_id: TenantId | None, leaf: Leaf) -> RecordRef:
        """Append a leaf whose outbox row has been committed; durable in its log when this returns."""
        (ref,) = await self._append_once([leaf])
        self._relayed.setdefault(tenant_id, set()).add(leaf.id)
        if self._sweeper is None or self._sweeper.done():
            self._sweeper = asyncio.create_task(self._sweep_later(), name="audit-outbox-sweep")
        return ref

    async def relay(self, tenant_id: TenantId | None, *, epoch: int) -> int:
        """Append all rows of one outbox, then delete them; how many there were."""
        table = ControlOutboxRow if tenant_id is None else TenantOutboxRow
        total = 0
        while True:
            async with self._store.open_internal(Purpose.RELAY, _where(tenant_id)) as session:
                query = select(table.id, table.record, table.personal).order_by(table.id).limit(BATCH)
                rows = (await session.execute(query)).all()
            if not rows:
                return total
            await self._append_once(
                [Leaf.of(row.record, epoch=epoch, personal=unpack_personal(row.personal)) for row in rows]
            )
            await self._delete(tenant_id, {row.id for row in rows})
            total += len(rows)

    async def close(self) -> None:
        """Delete what has been relayed."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.wait([self._sweeper])
        await self._sweep()

    async def _sweep_later(self) -> None:
        while self._relayed:
            await asyncio.sleep(SWEEP_AFTER_S)
            # Rows that stay are relayed again at the next start, to no effect.
            with contextlib.suppress(OutpostError):
                await self._sweep()

    async def _sweep(self) -> None:
        relayed, self._relayed = self._relayed, {}
        for tenant_id, ids in relayed.items():
            await self._delete(tenant_id, ids)

    async def _delete(self, tenant_id: TenantId | None, ids: set[str]) -> None:
        table = ControlOutboxRow if tenant_id is None else TenantOutboxRow
        done = sorted(ids)
        async with self._store.open_internal(Purpose.RELAY, _where(tenant_id), write=True) as session:
            for start in range(0, len(done), BATCH):
                await session.execute(delete(table).where(table.id.in_(done[start : start + BATCH])))


def _where(tenant_id: TenantId | None) -> Where:
    return CONTROL if tenant_id is None else tenant_id
