"""What identity needs of its neighbours; `compose` gives the real ones."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol
from uuid import UUID

from appliance.audit.values import NewRecord
from appliance.policy.values import Resource
from appliance.store import Admitted, Principal, RecordRef, TenantId
from appliance.store.admission import TeamRole


class Records(Protocol):
    """The record."""

    async def append(self, *records: NewRecord) -> Sequence[RecordRef]:
        """Durable when it returns. Raises Unavailable when it cannot be."""


class Memberships(Protocol):
    """The teams of people."""

    async def of(self, person_id: UUID) -> frozenset[tuple[str, TeamRole]]:
        """The ids of the person's teams, each with what they are there."""


class News(Protocol):
    """What an identity provider says now of a session that it vouched for."""

    async def __call__(self, session_id: UUID, /) -> None:
        """Take it down; end the session where the provider does."""


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


class Permits(Protocol):
    """The policy, asked about many things at once."""

    def permits(self, principal: Principal, action: str, resources: Sequence[Resource]) -> list[bool]:
        """One answer per resource."""


class Known(Protocol):
    """The pack in force."""

    @property
    def actions(self) -> tuple[str, ...]:
        """Every action that it knows."""


class Knows(Permits, Protocol):
    """The policy, and what it can be asked."""

    def pack_of(self, tenant_id: TenantId) -> Known:
        """What the pack in force in a tenant says beside its policies."""
