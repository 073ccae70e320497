"""What reading the record needs of its neighbours; `compose` gives the real ones."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from appliance.policy.values import Resource
from appliance.store import Admitted, Decision, Principal


class Door(Protocol):
    """The gate."""

    def admit(
        self, principal: Principal, action: str, resource: Resource | None = None, *, request: bytes | None = None
    ) -> AbstractAsyncContextManager[Admitted]:
        """Decide and record, then let the body act. Raises Forbidden."""


class Decides(Protocol):
    """The policy."""

    def decide(self, principal: Principal, action: str, resource: Resource) -> Decision:
        """Never raises; what cannot be decided is denied."""
