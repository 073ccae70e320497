"""What the gate writes down, decided without doing anything: the event of each action, and the three kinds of record.

allowed    pre  ──── the work ────  post (success | error | denied)
refused    single `policy.denied`
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from appliance.audit import NewRecord
from appliance.errors import Forbidden, OutpostError
from appliance.policy import Resource
from appliance.store import Admitted, Decision, Principal

DENIED: Final = "policy.denied"
CANCELLED: Final = "cancelled"
INTERNAL: Final = "internal-error"


@dataclass(frozen=True, slots=True)
class Events:
    """Names of an action's records; an action that is not in the table keeps its own name."""

    pre: str
    post: str


EVENTS: Final[Mapping[str, Events]] = {
    "chat.ask": Events("chat.request", "chat.response"),
    "kiosks.ask": Events("chat.request", "chat.response"),
    "documents.upload": Events("doc.upload", "doc.upload"),
    "documents.ingest": Events("doc.ingestion", "doc.ingestion"),
    "documents.reindex": Events("doc.ingestion", "doc.ingestion"),
    "documents.read": Events("doc.access", "doc.access"),
    "people.create": Events("admin.user_created", "admin.user_created"),
    "people.update": Events("admin.role_changed", "admin.role_changed"),
}

OUTSIDE: Final[frozenset[str]] = frozenset({"webhooks.deliver", "mail.send", "mail.test"})
"""Actions that reach beyond our own database: a crash leaves their end unknown, not undone."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question put to the policy, and its answer."""

    principal: Principal
    action: str
    resource: Resource | None
    decision: Decision
    correlation_id: uuid.UUID
    request_hash: str | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Failure:
    """How the work ended when it did not succeed."""

    status: Literal["error", "denied"]
    code: str


def events_of(action: str) -> Events:
    return EVENTS.get(action, Events(action, action))


def failure_of(error: BaseException) -> Failure:
    match error:
        case Forbidden():
            return Failure("denied", error.code)
        case OutpostError():
            return Failure("error", error.code)
        case asyncio.CancelledError() | GeneratorExit() | KeyboardInterrupt():
            return Failure("error", CANCELLED)
        case _:
            return Failure("error", INTERNAL)


def denial_record(asked: Asked) -> NewRecord:
    return _first(asked, DENIED, "single", {"action": asked.action})


def pre_record(asked: Asked) -> NewRecord:
    return _first(asked, events_of(asked.action).pre, "pre", {"action": asked.action})


def post_record(admitted: Admitted, *, latency_ms: int, failure: Failure | None = None) -> NewRecord:
    """What came of the work. A failure after the change was committed says so: the change stands."""
    outcome = admitted.outcome
    metadata: dict[str, Any] = {**outcome.metadata, "action": admitted.action}
    status: Literal["success", "error", "denied"] = outcome.result_status
    event = events_of(admitted.action).post
    if failure is not None:
        metadata["error"] = failure.code
        status = failure.status
        if outcome.committed:
            metadata["after_commit"] = True
    if status == "denied":
        event = DENIED
    return NewRecord(
        tenant_id=admitted.tenant_id,
        event_type=event,
        phase="post",
        correlation_id=admitted.correlation_id,
        user_id=admitted.principal.id,
        session_id=admitted.principal.session_id,
        resource_type=admitted.resource_type,
        resource_id=outcome.resource_id or admitted.resource_id,
        request_hash=admitted.request_hash,
        result_status=status,
        latency_ms=latency_ms,
        model=outcome.model,
        tools_used=outcome.tools_used,
        metadata=metadata,
        personal={"username": admitted.principal.name},
        actor_kind=admitted.principal.kind,
        role=admitted.principal.role,
        policies=admitted.decision.policies,
        pack_version=admitted.decision.pack_version,
        outside=admitted.action in OUTSIDE,
    )


def cancelled_record(pre: NewRecord) -> NewRecord:
    """The end of work that was given up while its pre-record was being written: it never began."""
    return NewRecord(
        tenant_id=pre.tenant_id,
        event_type=pre.event_type,
        phase="post",
        correlation_id=pre.correlation_id,
        user_id=pre.user_id,
        session_id=pre.session_id,
        resource_type=pre.resource_type,
        resource_id=pre.resource_id,
        result_status="error",
        metadata={"action": pre.metadata["action"], "error": CANCELLED},
        personal=pre.personal,
        actor_kind=pre.actor_kind,
        role=pre.role,
        policies=pre.policies,
        pack_version=pre.pack_version,
        outside=pre.outside,
    )


def _first(asked: Asked, event: str, phase: Literal["pre", "single"], metadata: dict[str, Any]) -> NewRecord:
    principal, decision, resource = asked.principal, asked.decision, asked.resource
    # With the role, the clearance, the eligibility, the duties and the teams the same decision can be taken again by another policy pack.
    metadata["clearance"] = principal.clearance
    if principal.eligibility:
        metadata["eligibility"] = sorted(principal.eligibility)
    if principal.duties:
        metadata["duties"] = sorted(principal.duties)
    if principal.teams:
        metadata["teams"] = dict(sorted(principal.teams))
    if principal.scopes:
        metadata["scopes"] = sorted(principal.scopes)
    if principal.kiosk_id is not None:
        metadata["kiosk_id"] = str(principal.kiosk_id)
    if asked.request_id is not None:
        metadata["request"] = asked.request_id
    return NewRecord(
        tenant_id=principal.tenant_id,
        event_type=event,
        phase=phase,
        correlation_id=asked.correlation_id,
        user_id=principal.id,
        session_id=principal.session_id,
        resource_type=None if resource is None else resource.type,
        resource_id=None if resource is None or resource.id is None else str(resource.id),
        request_hash=asked.request_hash,
        result_status="denied" if phase == "single" else None,
        metadata=metadata,
        personal={"username": principal.name},
        actor_kind=principal.kind,
        role=principal.role,
        policies=decision.policies,
        pack_version=decision.pack_version,
        outside=asked.action in OUTSIDE,
    )
