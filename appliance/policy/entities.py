"""Principals and resources as Cedar sees them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from appliance.policy.pack import COLLECTION, Pack
from appliance.policy.values import Resource
from appliance.store import Principal

Entity = dict[str, Any]

_TYPES: Final = {"person": "Person", "kiosk": "Kiosk", "owner": "Owner", "service": "Service"}
_ACTION: Final = re.compile(r"[a-z]+(\.[a-z_]+)+")


def principal_entity(principal: Principal, pack: Pack) -> Entity:
    """Raises KeyError for a kind or a role that the pack does not know."""
    kind = _TYPES[principal.kind]
    roles = pack.roles[principal.role] if kind != "Kiosk" else ()
    return {
        "uid": {"type": kind, "id": str(principal.id)},
        "attrs": {
            "subject": str(principal.id),
            "tenant": str(principal.tenant_id),
            "clearance": principal.clearance,
            "eligible": sorted(principal.eligibility),
            "duties": sorted(principal.duties),
            "teams": sorted(team for team, _ in principal.teams),
            "writes": sorted(team for team, role in principal.teams if role != "viewer"),
            "leads": sorted(team for team, role in principal.teams if role == "owner"),
            "narrowed": bool(principal.scopes),
            "scopes": sorted(principal.scopes),
        },
        "parents": [{"type": "Role", "id": role} for role in roles],
    }


def resource_entity(resource: Resource, principal: Principal, pack: Pack) -> Entity:
    """Raises KeyError for a type of resource that the pack does not name."""
    entity = pack.resources[resource.type]
    known = pack.attributes[entity]
    attrs = {name: plain(value) for name, value in resource.attrs.items() if name in known and value is not None}
    if not attrs and known:
        entity = COLLECTION
    attrs["tenant"] = plain(resource.attrs.get("tenant", principal.tenant_id))
    return {"uid": {"type": entity, "id": resource.id or "any"}, "attrs": attrs, "parents": []}


def request(principal: Entity, action: str, resource: Entity) -> dict[str, Any]:
    """One question in the shape of `cedarpy.is_authorized`."""
    return {
        "principal": principal["uid"],
        "action": {"type": "Action", "id": action},
        "resource": resource["uid"],
        "context": {"action": action},
    }


def open_request(principal: Entity, action: str) -> dict[str, Any]:
    """The question with the resource left open. Raises ValueError for what is no name of an action."""
    if not _ACTION.fullmatch(action):
        raise ValueError(action)
    uid = principal["uid"]
    return {
        "principal": f'{uid["type"]}::"{UUID(uid["id"])}"',
        "action": f'Action::"{action}"',
        "resource": None,
        "context": {"action": action},
    }


def action_entity(action: str) -> Entity:
    """Partial evaluation leaves open what it finds no entity for, so the action is named too."""
    return {"uid": {"type": "Action", "id": action}, "attrs": {}, "parents": []}


def plain(value: Any) -> Any:
    """UUIDs as text, collections as lists; whatever else is left for the schema to judge."""
    match value:
        case UUID():
            return str(value)
        case Mapping():
            return {str(name): plain(member) for name, member in value.items()}
        case set() | frozenset() | list() | tuple():
            return [plain(member) for member in value]
        case _:
            return value
