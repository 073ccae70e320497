"""Documents as the policies see them, for whoever compares policies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from appliance.documents.tables import DocumentRow
from appliance.store import Admitted, Store


class Described:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def attributes(self, admitted: Admitted, limit: int) -> Mapping[str, Mapping[str, Any]]:
        """Level, tags and list of the tenant's latest documents, by id."""
        query = select(DocumentRow.id, DocumentRow.level, DocumentRow.tags, DocumentRow.acl)
        async with self._store.open_session(admitted) as session:
            rows = (await session.execute(query.order_by(DocumentRow.seq.desc()).limit(limit))).all()
        return {str(row.id): {"level": row.level, "tags": row.tags, "acl": row.acl} for row in rows}
