"""What two packs cannot decide otherwise, because the policies that speak of it are the same ones: it need not be tried.

A policy speaks of who, what action and what thing in its head; only where its head fits is the rest of it read. So a request is
decided by the same policies in both packs where no policy fits it that one of them alone has for that action. That holds only while
what the policies are told is the same: where roles, attributes, resources or types differ, everything is tried. Annotations decide
nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from appliance.policy import PolicyEngine
from appliance.policy.entities import principal_entity
from appliance.policy.pack import COLLECTION, Pack
from appliance.store import Principal

_ACTION: Final = re.compile(r'action "([^"]+)" appliesTo \{')


class Unlike:
    """Whether two packs could decide a request otherwise. It errs on one side alone: what it says of too much is tried in vain."""

    def __init__(self, now: PolicyEngine, then: PolicyEngine) -> None:
        self._pack = now.pack
        declared = _declared_otherwise(now.pack, then.pack)
        self._everything = declared is None or not _told_alike(now.pack, then.pack)
        self._actions = declared or set()
        self._policies = {
            action: _in_one_alone(now.pack, then.pack, action) for action in {*now.pack.actions, *then.pack.actions}
        }

    def for_(self, principal: Principal) -> Callable[[str, str], bool]:
        """Asked of an action and the type of a thing, or "" while there is none yet."""
        if self._everything:
            return lambda _action, _entity: True
        if principal.role not in self._pack.roles:  # by neither, then
            return lambda _action, _entity: False
        subject = principal_entity(principal, self._pack)
        mine = {
            action: [one["resource"] for one in some if _is(one["principal"], subject)]
            for action, some in self._policies.items()
        }
        return lambda action, entity: action in self._actions or any(_of(one, entity) for one in mine[action])


def _told_alike(now: Pack, then: Pack) -> bool:
    """Names of resources that one pack alone has are new names for types that both have."""
    same_names = all(then.resources.get(name, entity) == entity for name, entity in now.resources.items())
    same_types = set(now.resources.values()) == set(then.resources.values())
    return same_names and same_types and (now.roles, now.attributes) == (then.roles, then.attributes)


def _declared_otherwise(now: Pack, then: Pack) -> set[str] | None:
    """Actions that the schemas declare otherwise, None where anything else in them differs."""
    before, after = _declarations(now), _declarations(then)
    found = [_ACTION.match(one) for one in before ^ after]
    return None if None in found else {one[1] for one in found if one is not None}


def _declarations(pack: Pack) -> set[str]:
    """Cedar writes a schema back in one form, each declaration ending a line."""
    return {one.strip() for one in str(pack.schema).split(";\n") if one.strip()}


def _in_one_alone(now: Pack, then: Pack, action: str) -> list[Mapping[str, Any]]:
    """The policies for an action that one pack alone has; what else they are for is no matter."""
    before, after = (
        {json.dumps(_decides(one), sort_keys=True): one for one in pack.rules if _for(one["action"], action)}
        for pack in (now, then)
    )
    return [(before | after)[key] for key in before.keys() ^ after.keys()]


def _decides(policy: Mapping[str, Any]) -> dict[str, Any]:
    return {part: said for part, said in policy.items() if part not in {"annotations", "action"}}


def _for(head: Mapping[str, Any], action: str) -> bool:
    """Whether a policy with this head is for the action. No head may be guessed at: one taken to be for what it is not for would
    hide that a policy was for it before. A list of one is read by Cedar as that one; groups there are none.
    """
    match head:
        case {"op": "All"}:
            return True
        case {"op": "==" | "in", "entity": {"id": str(one)}}:
            return one == action
    return action in {one["id"] for one in head["entities"]}


def _of(head: Mapping[str, Any], entity: str) -> bool:
    """Of a thing that says nothing yet there is no more than its kind, whatever it will be. Other heads are taken to fit."""
    match head:
        case {"op": "is", "entity_type": str(kind)}:
            return kind in {entity, COLLECTION}
    return True


def _is(head: Mapping[str, Any], subject: Mapping[str, Any]) -> bool:
    match head:
        case {"op": "is", "entity_type": kind} if kind != subject["uid"]["type"]:
            return False
    match head:
        case {"op": "in", "entity": {"type": "Role", "id": role}} | {"in": {"entity": {"type": "Role", "id": role}}}:
            return {"type": "Role", "id": role} in subject["parents"]
    return True
