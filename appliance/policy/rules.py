"""What a pack may not do, whatever it says: open one tenant to another, or leave nobody who could put it right."""

from __future__ import annotations

import itertools
from typing import Any, Final, Literal, cast
from uuid import UUID

from appliance.policy.engine import PolicyEngine
from appliance.policy.errors import PackRefused
from appliance.policy.kinds import kinds_of
from appliance.policy.values import Resource
from appliance.store import Principal, TenantId

KEEPING: Final = ("policy.read", "policy.stage", "policy.activate")
"""What the owner of the data directory must always be able to do."""
OF_THE_NODE: Final = frozenset({"tenants.list", "tenants.read", "tenants.update", "tenants.delete"})
"""What the owner may do about every tenant: see that it is there, name it, switch it off and on, delete it."""

PEOPLE: Final[tuple[Literal["person", "service"], ...]] = ("person", "service")

_HERE, _THERE = TenantId(UUID(int=1)), UUID(int=2)
_ID: Final = UUID(int=3)


def sound(engine: PolicyEngine) -> None:
    """Raises PackRefused: the pack does what none may."""
    owner = Principal(_ID, "owner", _HERE, "owner", "admin", 3)
    everybody = [owner, Principal(_ID, "kiosk", _HERE, "kiosk", "viewer", 4)]
    for role in engine.pack.roles:
        everybody += [Principal(_ID, kind, _HERE, role, cast("Any", role), 4) for kind in PEOPLE]
    for name in KEEPING:
        if not engine.decide(owner, name, Resource("policy")).allowed:
            raise PackRefused(f"The owner of the data directory could no longer {name}, so nobody could put it right.")
    names = {entity: name for name, entity in engine.pack.resources.items()}
    for principal, (action, entities) in itertools.product(everybody, engine.pack.applies.items()):
        if principal.kind == "owner" and action in OF_THE_NODE:
            continue
        for entity in entities:
            if _reaches_elsewhere(engine, principal, action, names.get(entity, ""), entity):
                raise PackRefused(f"{action} would be allowed in another tenant.")


def _reaches_elsewhere(engine: PolicyEngine, principal: Principal, action: str, name: str, entity: str) -> bool:
    """Whether some kind of thing of another tenant is open to them; a type that no service names is open to nobody."""
    if entity == "Document":
        scope = engine.scope(principal, action)
        return any(scope.admits({**row, "tenant": str(_THERE)}) for row in kinds_of(entity, engine.pack))
    things = [Resource(name, "any", {**row, "tenant": _THERE}) for row in kinds_of(entity, engine.pack)] if name else []
    return any(engine.permits(principal, action, things)) if things else False
