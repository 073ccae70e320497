"""What sign-in writes into the record. Names and addresses are personal; everything else is an id or a fixed word."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from appliance.audit.values import NewRecord
from appliance.identity.tables import PersonRow
from appliance.store import Principal, TenantId, new_id


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever the event is about, as far as known; `name` is the one to sign in with, or a kiosk's."""

    id: UUID | None = None
    kind: str = "person"
    role: str | None = None
    session_id: UUID | None = None
    name: str | None = None

    def personal(self) -> dict[str, str]:
        return {} if self.name is None else {"username": self.name}


def person(row: PersonRow, session_id: UUID | None = None) -> Actor:
    return Actor(row.id, "person", row.role, session_id, row.username)


def principal(who: Principal) -> Actor:
    return Actor(who.id, who.kind, who.role, who.session_id, who.name)


def happened(event_type: str, tenant_id: TenantId, actor: Actor, **metadata: str | int) -> NewRecord:
    return NewRecord(
        tenant_id=tenant_id,
        event_type=event_type,
        phase="single",
        correlation_id=new_id(),
        user_id=actor.id,
        session_id=actor.session_id,
        result_status="success",
        metadata=metadata,
        personal=actor.personal(),
        actor_kind=actor.kind,
        role=actor.role,
    )


def denied(tenant_id: TenantId | None, why: str, actor: Actor, **personal: str) -> NewRecord:
    """A refusal; `tenant_id` is None where no tenant was named that exists."""
    return NewRecord(
        tenant_id=tenant_id,
        event_type="auth.denied",
        phase="single",
        correlation_id=new_id(),
        user_id=actor.id,
        session_id=actor.session_id,
        result_status="denied",
        metadata={"reason": why},
        personal=actor.personal() | personal,
        actor_kind=actor.kind,
        role=actor.role,
    )
