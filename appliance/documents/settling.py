"""Keeping in the rows and in the index what the rules say is in force; always inside the caller's transaction."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable

from sqlalchemy.ext.asyncio import AsyncSession

from appliance.documents import rules
from appliance.documents import store as queries
from appliance.documents.ports import Index
from appliance.documents.tables import DocumentRow
from appliance.jobs import enqueue
from appliance.store import Principal, TenantId

IN_FORCE = "documents.in_force"
"""The job that looks again when an effective date is reached."""

Clock = Callable[[], dt.datetime]

_NAMESPACE = uuid.UUID("0f4a1c52-5d0b-4c34-9d59-1d1f0a6f0a55")


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def library_worker(tenant_id: TenantId) -> Principal:
    """Who takes documents in when no person stands before the node; cleared for all that may be taken in.

    It is eligible for no export regime, for which taking in does not ask: no cards are made of what is under one.
    """
    identity = uuid.uuid5(_NAMESPACE, str(tenant_id))
    return Principal(identity, "service", tenant_id, "library worker", "operator", clearance=3)


async def settle(
    session: AsyncSession,
    index: Index,
    documents: Iterable[DocumentRow],
    *,
    tenant_id: TenantId,
    clock: Clock,
    gone: uuid.UUID | None = None,
) -> int:
    """Decide anew for these documents and all related ones; returns how many came into force or went out of it.

    `gone` is a document that is being removed: it displaces nothing any more.
    """
    moment = clock()
    rows = [row for row in await queries.related(session, documents) if row.id != gone]
    standings = [queries.standing(row) for row in rows]
    forced = rules.in_force(standings, moment)
    changed = 0
    for row in rows:
        if row.in_force != (row.id in forced):
            row.in_force = not row.in_force
            row.updated_at = moment
            changed += 1
            if row.indexed_by is not None:
                await index.update(session, queries.facts(row))
    following = rules.next_change([one for one in standings if one.ready], moment)
    if following is not None:
        await enqueue(
            session,
            kind=IN_FORCE,
            payload={},
            owner=library_worker(tenant_id),
            idempotency_key=f"in-force:{following.isoformat()}",
            not_before=following,
        )
    return changed
