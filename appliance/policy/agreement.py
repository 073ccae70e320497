"""Whether a pack's scopes say what its policies say, tried on random people and documents when it is loaded.

Partial evaluation is an experimental part of Cedar, and the compiler of residuals is ours: neither is taken on trust.
The samples are drawn from what the policies themselves mention, so that each comparison is met from both sides, and
are seeded by the pack's version, so that a refusal can be repeated.
"""

from __future__ import annotations

import random
from typing import Any, Final
from uuid import UUID

from appliance.policy.errors import ScopeDisagrees
from appliance.policy.pack import Pack
from appliance.policy.ports import Lists
from appliance.policy.values import Resource
from appliance.store import Principal, TenantId
from appliance.store.admission import TeamRole

ROWS: Final = 8
"""Documents per principal and action; with the shipped pack that is some hundred decisions and 60 ms."""


def check(engine: Lists, pack: Pack) -> None:
    """Try every action with lists for every kind of principal and role.

    Raises:
        ScopeDisagrees: a scope and Cedar answered differently.
        UnsupportedOperator: a policy cannot be turned into a condition.
    """
    dice = random.Random(pack.version)
    names = {entity: name for name, entity in pack.resources.items()}
    for entity, actions in pack.scopes.items():
        for action in actions:
            for principal in some_principals(dice, pack):
                scope = engine.scope(principal, action, names[entity])
                rows = [some_row(dice, pack, entity, principal) for _ in range(ROWS)]
                decided = engine.permits(principal, action, [Resource(names[entity], None, row) for row in rows])
                if decided != [scope.admits(row) for row in rows]:
                    raise ScopeDisagrees(f"The list for {action} does not match the policies.", action=action)


def some_principals(dice: random.Random, pack: Pack) -> list[Principal]:
    """One of each role, a kiosk and a token narrowed to scopes, each with some clearance."""
    people = [_principal(dice, pack, "person", role) for role in pack.roles]
    scopes = frozenset({"documents.read", "search.query"})
    narrowed = _principal(dice, pack, "person", dice.choice(list(pack.roles)), scopes)
    return [*people, narrowed, _principal(dice, pack, "owner", "admin"), _principal(dice, pack, "kiosk", "viewer")]


def _principal(
    dice: random.Random, pack: Pack, kind: Any, role: Any, scopes: frozenset[str] = frozenset()
) -> Principal:
    roles: tuple[TeamRole, ...] = ("owner", "member", "viewer")
    return Principal(
        id=_uuid(dice),
        kind=kind,
        tenant_id=TenantId(_uuid(dice)),
        name="sample",
        role=role,
        clearance=dice.randint(1, 4),
        scopes=scopes,
        eligibility=frozenset(dice.sample(("EAR", "ITAR"), dice.randint(0, 2))),
        duties=frozenset(dice.sample(sorted(pack.duties), dice.randint(0, min(2, len(pack.duties))))),
        teams=frozenset((str(_uuid(dice)), role) for role in dice.sample(roles, dice.randint(0, 3))),
    )


def some_row(dice: random.Random, pack: Pack, entity: str, principal: Principal) -> dict[str, Any]:
    """Attributes of one resource; strings come from the policies, the principal, or nowhere."""
    teams = sorted(team for team, _ in principal.teams)
    strings = [*sorted(pack.literals), str(principal.id), *teams, str(_uuid(dice)), "other"]
    tenant = str(principal.tenant_id) if dice.random() < 0.9 else str(_uuid(dice))
    row: dict[str, Any] = {"tenant": tenant}
    for name, kind in pack.attributes[entity].items():
        match kind:
            case "long":
                row[name] = dice.randint(0, 5)
            case "set":
                row[name] = dice.sample(strings, dice.randint(0, min(2, len(strings))))
            case "string?" if dice.random() < 0.3:
                row[name] = None
            case "string?" if teams and dice.random() < 0.6:
                row[name] = dice.choice(teams)
            case _:
                row[name] = dice.choice(strings)
    return row


def _uuid(dice: random.Random) -> UUID:
    return UUID(int=dice.getrandbits(128), version=4)
