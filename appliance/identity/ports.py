"""What identity needs of its neighbours; `compose` gives the real ones."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID

from appliance.audit.values import NewRecord
from appliance.policy.values import Resource
from appliance.store import Admitted, Principal, RecordRef
from appliance.store.admission import TeamRole


class Records(Protocol):
    """The record."""

    async def append(self, *records: NewRecord) -> Sequence[RecordRef]:
        """Durable when it returns. Raises Unavailable when it cannot be."""


class Memberships(Protocol):
    """The teams of people."""

    async def of(self, person_id: UUID) -> frozenset[tuple[str, TeamRole]]:
        """The ids of the person's teams, each with what they are there."""


class NoTeams:
    """Where there are no teams, nobody is in one."""

    async def of(self, _person_id: UUID) -> frozenset[tuple[str, TeamRole]]:
        return frozenset()


class Door(Protocol):
    """The gate."""

    def admit(
        self, principal: Principal, action: str, *, resource: Resource, request: bytes | None = None
    ) -> AbstractAsyncContextManager[Admitted]:
        """Decide and record, then let the body act. Raises Forbidden."""
