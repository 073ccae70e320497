"""The policy engine: may this principal do this to that?

Default deny, and deny on any error: Cedar skips a policy that fails to evaluate, which for a forbid would open what
it closes, so a decision with errors is never an allow.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cedarpy
import structlog

from appliance.policy import agreement
from appliance.policy.entities import action_entity, open_request, principal_entity, request, resource_entity
from appliance.policy.errors import NotListed, PackRefused
from appliance.policy.pack import DEFAULT_PACK, Pack, load
from appliance.policy.residuals import allowed
from appliance.policy.scope import Scope
from appliance.policy.values import Resource
from appliance.store import Decision, Principal, TenantId

DEFAULT_DENY: Final = "default-deny"
EVALUATION_ERROR: Final = "evaluation-error"
UNDECIDED: Final = "The policies could not be evaluated, so the answer is no."

log = structlog.get_logger(__name__)


class PolicyEngine:
    """Decides from one policy pack, for the life of the process. Safe to share between tasks and threads.

    Args:
        pack: the pack, or its directory; by default the one of this release.

    Raises:
        PackRefused: the pack is malformed, uses an operator that lists cannot be filtered by, or its scopes were
            seen to disagree with Cedar.
    """

    def __init__(self, pack: Pack | Path = DEFAULT_PACK) -> None:
        self._pack = pack if isinstance(pack, Pack) else load(pack)
        agreement.check(self, self._pack)

    async def follow(self) -> None:
        """The pack is always the same; a policy whose pack can be switched looks here which one is in force."""

    @property
    def pack_version(self) -> str:
        return self._pack.version

    def pack_of(self, _tenant_id: TenantId) -> Pack:
        """The same for every tenant."""
        return self._pack

    @property
    def pack(self) -> Pack:
        return self._pack

    def decide(self, principal: Principal, action: str, resource: Resource) -> Decision:
        """Decide one action. Never raises: what cannot be decided is denied.

        `policies` names the permits that allowed, or the forbids that refused in the order of the five questions;
        where no permit applies it is `default-deny`, and `evaluation-error` where Cedar could not tell.
        `reason` is set on a denial, in words for the person.
        """
        try:
            subject = principal_entity(principal, self._pack)
            thing = resource_entity(resource, principal, self._pack)
            asked, known = request(subject, action, thing), [subject, thing]
            result = cedarpy.is_authorized(asked, self._pack.policies, known, self._pack.schema)
            if result.diagnostics.errors or result.decision is cedarpy.Decision.NoDecision:
                return self._undecided(action, resource)
            if result.allowed:
                return Decision(
                    allowed=True, policies=tuple(sorted(result.diagnostics.reasons)), pack_version=self.pack_version
                )
            # The role comes before what the resource says, so the permits are asked alone.
            if not cedarpy.is_authorized(asked, self._pack.permits, known, self._pack.schema).allowed:
                return self._denied((DEFAULT_DENY,), self._pack.refusal)
            forbids = sorted(result.diagnostics.reasons, key=lambda name: (self._pack.forbids[name].question, name))
            return self._denied(tuple(forbids), self._pack.forbids[forbids[0]].reason)
        except Exception:  # fail secure: an error in the adapter is a denial too
            return self._undecided(action, resource)

    def permits(self, principal: Principal, action: str, resources: Sequence[Resource]) -> list[bool]:
        """Decide one action on many resources, in their order; what cannot be decided is False."""
        return self.permits_each(principal, [(action, resource) for resource in resources])

    def permits_each(self, principal: Principal, asked: Sequence[tuple[str, Resource]]) -> list[bool]:
        """Decide many actions, each on its resource, in their order; what cannot be decided is False."""
        try:
            return self._permits_each(principal, asked)
        except Exception:  # fail secure
            if len(asked) > 1:  # one that cannot be decided must not decide the others
                return [self.permits_each(principal, [one])[0] for one in asked]
            log.warning("policy could not be evaluated", action=asked[0][0] if asked else "", pack=self.pack_version)
            return [False] * len(asked)

    def _permits_each(self, principal: Principal, asked: Sequence[tuple[str, Resource]]) -> list[bool]:
        subject = principal_entity(principal, self._pack)
        things = {id(resource): resource_entity(resource, principal, self._pack) for _, resource in asked}
        for position, thing in enumerate(things.values()):
            # Rows of one document share its id, and Cedar takes an id once.
            thing["uid"] = thing["uid"] | {"id": str(position)}
        requests = [request(subject, action, things[id(resource)]) for action, resource in asked]
        known = [subject, *things.values()]
        results = cedarpy.is_authorized_batch(requests, self._pack.policies, known, self._pack.schema)
        return [result.allowed and not result.diagnostics.errors for result in results]

    def scope(self, principal: Principal, action: str, resource_type: str = "document") -> Scope:
        """The rows that `principal` may use for `action`, as a condition for the database.

        Raises:
            NotListed: the pack has no lists of this type for this action.
            PackRefused: the policies cannot be turned into a condition; nothing may be listed.
        """
        entity = self._pack.resources.get(resource_type, "")
        if action not in self._pack.scopes.get(entity, ()):
            raise NotListed(f"{action} has no list of {resource_type}.")
        subject = principal_entity(principal, self._pack)
        partial = cedarpy.is_authorized_partial(
            open_request(subject, action), self._pack.policies, [subject, action_entity(action)]
        )
        if partial.diagnostics.errors or partial.diagnostics.unknown_entities:
            raise PackRefused("The policies could not be evaluated for a list.", action=action)
        condition = allowed(partial.residuals, entity, self._pack.attributes[entity])
        return Scope(condition, tenant=str(principal.tenant_id), pack_version=self.pack_version)

    def _denied(self, policies: tuple[str, ...], reason: str) -> Decision:
        return Decision(allowed=False, policies=policies, pack_version=self.pack_version, reason=reason)

    def _undecided(self, action: str, resource: Resource) -> Decision:
        # Cedar's own message quotes the entities, which hold people's ids.
        log.warning("policy could not be evaluated", action=action, resource=resource.type, pack=self.pack_version)
        return self._denied((EVALUATION_ERROR,), UNDECIDED)
