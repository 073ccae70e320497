"""What services ask of the policy, whichever pack is in force."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from appliance.policy.pack import Pack
from appliance.policy.scope import Scope
from appliance.policy.values import Resource
from appliance.store import Decision, Principal, TenantId


class Permits(Protocol):
    def permits(self, principal: Principal, action: str, resources: Sequence[Resource]) -> list[bool]:
        """Decide one action on many resources, in their order; what cannot be decided is False."""


class Lists(Permits, Protocol):
    def scope(self, principal: Principal, action: str, resource_type: str = "document") -> Scope:
        """The rows that `principal` may use for `action`, as a condition for the database."""


class Policies(Lists, Protocol):
    def pack_of(self, tenant_id: TenantId) -> Pack:
        """What the pack in force in a tenant says beside its policies."""

    def decide(self, principal: Principal, action: str, resource: Resource) -> Decision:
        """Decide one action. Never raises: what cannot be decided is denied."""
