"""Requests that nobody answers: put before the admins, and rejected in the end. Each is one admitted, recorded action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from appliance.documents import approval_rules as rules
from appliance.documents import approving
from appliance.documents import store as queries
from appliance.documents.approval_rules import NO_ANSWER
from appliance.documents.settling import Clock, library_worker, now
from appliance.documents.tables import ApprovalRow
from appliance.gate import Gate
from appliance.jobs import Handler, RunningJob
from appliance.policy import Policies, Resource
from appliance.policy.requests import Patience
from appliance.store import Store, TenantId
from appliance.upkeep.types import OVERDUE
from appliance.upkeep.values import upkeep_of


class Overdue:
    """The handler of `approvals.overdue`."""

    def __init__(self, store: Store, gate: Gate, policy: Policies, *, clock: Clock = now) -> None:
        self._store, self._gate, self._policy, self._clock = store, gate, policy, clock

    @property
    def handlers(self) -> dict[str, Handler]:
        return {OVERDUE: self}

    async def __call__(self, job: RunningJob) -> Mapping[str, Any]:
        """See to every request that waits. How many were put before the admins, and how many rejected."""
        done = {"escalated": 0, "expired": 0}
        for approval_id, what in await self._due(job):
            if await self._see_to(job.tenant_id, approval_id, what):
                done["escalated" if what == "escalate" else "expired"] += 1
        return done

    async def _due(self, job: RunningJob) -> list[tuple[UUID, rules.Overdue]]:
        resource = Resource("job", str(job.id), {"owner": job.owner_id, "kind": job.kind})
        async with (
            self._gate.admit(upkeep_of(job.tenant_id), "jobs.manage", resource) as admitted,
            self._store.open_session(admitted) as session,
        ):
            rows = await approving.unanswered(session)
            found = [(row.id, self._overdue(job.tenant_id, row)) for row in rows]
            due = [(approval_id, what) for approval_id, what in found if what is not None]
            admitted.outcome.metadata |= {"type": job.kind, "waiting": len(rows), "overdue": len(due)}
        return due

    async def _see_to(self, tenant_id: TenantId, approval_id: UUID, what: rules.Overdue) -> bool:
        """Do it, unless it was answered or done since; whoever comes second changes nothing."""
        action, resource = f"approvals.{what}", Resource("approval", str(approval_id))
        async with (
            self._gate.admit(upkeep_of(tenant_id), action, resource) as admitted,
            self._store.open_session(admitted, write=True) as session,
        ):
            await queries.take_turn(session)
            row = await approving.find(session, approval_id, to_change=True)
            if row is None or row.state != "pending" or self._overdue(tenant_id, row) != what:
                admitted.outcome.metadata |= {"done": False}
                return False
            admitted.outcome.metadata |= {"done": True, "kind": row.kind, "document": str(row.document_id)}
            if what == "escalate":
                row.escalated_at = self._clock()
                return True
            row.state, row.reason, row.decided_at = "rejected", NO_ANSWER, self._clock()
            admitted.outcome.metadata["reason"] = NO_ANSWER
            document = await queries.find(session, row.document_id, to_change=True)
            if document is not None and row.kind == "ingest":
                document.status, document.reason = "failed", approving.UNANSWERED
        return True

    def _overdue(self, tenant_id: TenantId, row: ApprovalRow) -> rules.Overdue | None:
        # What the appliance itself asks, since a review falls due, would not be asked a second time.
        asked_by_itself = row.requester == str(library_worker(tenant_id).id)
        return rules.overdue(
            row.created_at, row.escalated_at, self._patience(tenant_id), self._clock(), expires=not asked_by_itself
        )

    def _patience(self, tenant_id: TenantId) -> Patience:
        return self._policy.pack_of(tenant_id).patience
