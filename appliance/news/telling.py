"""Telling: one row beside the rows that changed, so that it is heard of exactly if it happened."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.dialects import postgresql, sqlite

from appliance.news.tables import NodeNoticeRow, NoticeRow
from appliance.news.values import KINDS, Kind
from appliance.store import Purpose, Store, TenantId, new_id

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

INSERT: Final[dict[str, Any]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


async def tell(
    session: AsyncSession,
    kind: Kind,
    *,
    person: UUID | str | None = None,
    author: UUID | str | None = None,
    slot: str | None = None,
    tenant_id: UUID | None = None,
    at: dt.datetime | None = None,
    **params: str | int | bool,
) -> None:
    """Have a kind of thing heard of, in the caller's transaction.

    Args:
        person: who hears of it beside those whom the kind is for.
        author: who did it, and so need not hear of it.
        slot: what this is about; the same is said once only.
        tenant_id: the plant, where the session's rows are the node's.
        params: ids and names of parts; never text of a document, a person's name or a secret.
    """
    fresh = new_id()
    values: dict[str, Any] = {
        "id": fresh, "slot": (slot or str(fresh))[:160], "at": at or dt.datetime.now(dt.UTC), "kind": kind,
        "audience": KINDS[kind], "person": None if person is None else str(person),
        "author": None if author is None else str(author), "params": dict(params),
    }  # fmt: skip
    if tenant_id is not None:
        session.add(NodeNoticeRow(tenant_id=tenant_id, **values))
        await session.flush()
        return
    insert = INSERT[session.get_bind().dialect.name](NoticeRow)
    await session.execute(insert.values({**values, "spread": False}).on_conflict_do_nothing())


async def tell_alone(store: Store, tenant_id: TenantId, kind: Kind, *, slot: str) -> None:
    """Have something heard of that no other rows go with, such as that the record cannot be written."""
    async with store.open_internal(Purpose.RELAY, tenant_id, write=True) as session:
        await tell(session, kind, slot=slot)
