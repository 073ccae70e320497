"""Queries over webhooks and what is on its way to them, named by intention; in the caller's transaction."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.jobs import enqueue
from appliance.notices.tables import DeliveryRow, WebhookRow
from appliance.notices.values import WEBHOOK, courier_of
from appliance.store import TenantId, new_id

MOST_WAITING: Final = 1_000
"""Deliveries that wait for one webhook; what comes beyond is put aside, not sent."""
KEPT: Final = dt.timedelta(days=30)


async def webhooks(session: AsyncSession) -> list[WebhookRow]:
    return list(await session.scalars(select(WebhookRow).order_by(WebhookRow.name, WebhookRow.id)))


async def find(session: AsyncSession, webhook_id: UUID, *, to_change: bool = False) -> WebhookRow | None:
    query = select(WebhookRow).where(WebhookRow.id == webhook_id)
    if to_change:
        query = query.with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(query)).one_or_none()


async def waiting(session: AsyncSession, webhook_id: UUID) -> int:
    query = select(func.count()).where(DeliveryRow.webhook_id == webhook_id, DeliveryRow.state == "waiting")
    return await session.scalar(query) or 0


async def next_waiting(session: AsyncSession, webhook_id: UUID) -> DeliveryRow | None:
    """The one that is to be sent first."""
    query = select(DeliveryRow).where(DeliveryRow.webhook_id == webhook_id, DeliveryRow.state == "waiting")
    return (await session.scalars(query.order_by(DeliveryRow.seq).limit(1))).one_or_none()


async def delivery(session: AsyncSession, delivery_id: UUID, *, to_change: bool = False) -> DeliveryRow | None:
    query = select(DeliveryRow).where(DeliveryRow.id == delivery_id)
    return (await session.scalars(query.with_for_update() if to_change else query)).one_or_none()


async def deliveries(
    session: AsyncSession, webhook_id: UUID, *, state: str | None, before: int | None, limit: int
) -> Sequence[DeliveryRow]:
    """The latest first."""
    query = select(DeliveryRow).where(DeliveryRow.webhook_id == webhook_id)
    if state is not None:
        query = query.where(DeliveryRow.state == state)
    if before is not None:
        query = query.where(DeliveryRow.seq < before)
    return list(await session.scalars(query.order_by(DeliveryRow.seq.desc()).limit(limit)))


async def put(
    session: AsyncSession, tenant_id: TenantId, row: WebhookRow, kind: str, data: Mapping[str, Any], at: dt.datetime
) -> DeliveryRow:
    """Put something on its way to a webhook, behind all that waits; `row` was found to be changed."""
    body = json.dumps({"type": kind, "timestamp": at.isoformat(), "data": dict(data)}, separators=(",", ":"))
    return await put_bytes(session, tenant_id, row, kind, body, at)


async def put_bytes(
    session: AsyncSession, tenant_id: TenantId, row: WebhookRow, kind: str, body: str, at: dt.datetime
) -> DeliveryRow:
    full = await waiting(session, row.id) >= MOST_WAITING
    row.numbered += 1
    made = DeliveryRow(
        id=new_id(), webhook_id=row.id, seq=row.numbered, kind=kind, body=body, state="dead" if full else "waiting",
        tries=0, status=None, reason="queue-full" if full else None, created_at=at, ended_at=at if full else None,
    )  # fmt: skip
    session.add(made)
    await session.flush()
    if not full:
        await have_sent(session, tenant_id, row.id, key=f"delivery:{made.id}")
    return made


async def have_sent(session: AsyncSession, tenant_id: TenantId, webhook_id: UUID, *, key: str) -> None:
    """A job that sends what waits for this webhook."""
    payload = {"webhook": str(webhook_id)}
    await enqueue(session, kind=WEBHOOK, payload=payload, owner=courier_of(tenant_id), idempotency_key=key)


async def forget(session: AsyncSession, now: dt.datetime) -> None:
    """Deliveries that ended long ago."""
    old = DeliveryRow.ended_at < now - KEPT
    await session.execute(delete(DeliveryRow).where(DeliveryRow.state != "waiting", old))
