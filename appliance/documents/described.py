"""Documents as the policies see them, for whoever compares policies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from appliance.documents import store as queries
from appliance.documents.store import facts
from appliance.documents.tables import DocumentRow
from appliance.store import Admitted, Store


class Described:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def attributes(self, admitted: Admitted, limit: int) -> Mapping[str, Mapping[str, Any]]:
        """What policies know of the tenant's latest documents, by id."""
        query = select(DocumentRow).order_by(DocumentRow.seq.desc()).limit(limit)
        async with self._store.open_session(admitted) as session:
            return {str(row.id): facts(row).attributes for row in await session.scalars(query)}

    async def hashes(self, admitted: Admitted, documents: Iterable[UUID]) -> Mapping[str, str]:
        """SHA-256 (hex) of the files of these documents, by document id; those that are not known are left out."""
        query = select(DocumentRow.id, DocumentRow.sha256).where(DocumentRow.id.in_(list(documents)))
        async with self._store.open_session(admitted) as session:
            return {str(row.id): row.sha256 for row in await session.execute(query) if row.sha256 is not None}

    async def of_team(self, admitted: Admitted, team: UUID) -> bool:
        """Whether a document of the tenant belongs to the team."""
        async with self._store.open_session(admitted) as session:
            return await queries.of_team(session, str(team))
