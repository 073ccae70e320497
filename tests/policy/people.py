"""Principals and documents that the tests of the policy speak of."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from appliance.policy import Resource
from appliance.store import Principal, TenantId
from appliance.store.admission import Kind, Role, TeamRole

NORTH = TenantId(UUID("0197c0de-0000-7000-8000-000000000001"))
SOUTH = TenantId(UUID("0197c0de-0000-7000-8000-000000000002"))


def principal(
    role: Role = "viewer",
    *,
    kind: Kind = "person",
    clearance: int = 2,
    tenant: TenantId = NORTH,
    number: int = 7,
    scopes: frozenset[str] = frozenset(),
    eligibility: frozenset[str] = frozenset(),
    duties: frozenset[str] = frozenset(),
    teams: frozenset[tuple[str, TeamRole]] = frozenset(),
) -> Principal:
    return Principal(
        id=UUID(int=number << 64, version=4),
        kind=kind,
        tenant_id=tenant,
        name="Nora North",
        role=role,
        clearance=clearance,
        scopes=scopes,
        eligibility=eligibility,
        duties=duties,
        teams=teams,
    )


VIEWER = principal("viewer")
OPERATOR = principal("operator")
ADMIN = principal("admin", clearance=3)
KIOSK = principal("viewer", kind="kiosk")
OWNER = principal("admin", kind="owner", clearance=3)


def described(level: int = 2, tags: tuple[str, ...] = (), acl: tuple[Any, ...] = ()) -> dict[str, Any]:
    return {"level": level, "tags": list(tags), "acl": list(acl), "stage": "open", "approved": [], "export": "NONE"}


def document(level: int = 2, tags: tuple[str, ...] = (), acl: tuple[Any, ...] = (), **more: Any) -> Resource:
    return Resource("document", "d-1", {**described(level, tags, acl), **more})
