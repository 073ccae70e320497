"""What identity needs of its neighbours; `compose` gives the real ones."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from appliance.audit.values import NewRecord
from appliance.policy.values import Resource
from appliance.store import Admitted, Principal, RecordRef


class Records(Protocol):
    """The record."""

    async def append(self, *records: NewRecord) -> Sequence[RecordRef]:
        """Durable when it returns. Raises Unavailable when it cannot be."""


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
