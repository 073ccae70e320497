"""What one pack would decide otherwise than another. Nothing is read or written here.

Three looks, because each misses what another sees:

    actions     every action for every role and device: what may be done at all
    requests    the last requests of the record, decided again by both packs
    documents   who sees which: documents of every kind the packs tell apart, and those of the library

A reader is told of a request only that it would be decided otherwise, never whose it was.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from appliance.packs.values import Asked, Change, Preview, Reach
from appliance.policy import PolicyEngine, Resource, Scope
from appliance.store import Decision, Principal, TenantId

NOBODY: Final = TenantId(UUID(int=0))
SELF: Final = UUID(int=1)
CLEARANCES: Final = (1, 2, 3)
ELIGIBLE: Final = (frozenset[str](), frozenset({"EAR"}), frozenset({"ITAR"}))
DEVICE: Final = "kiosk"
ANYTHING: Final = Resource("node")
MOST_KINDS: Final = 4096
"""Combinations of attributes tried; with the shipped pack there are some hundred."""

_NO: Final = Decision(
    allowed=False, policies=("unknown",), pack_version="", reason="The pack knows no such action or role."
)


def preview(
    now: PolicyEngine,
    then: PolicyEngine,
    asked: Sequence[Asked],
    looked_at: int,
    library: Sequence[Mapping[str, Any]],
) -> Preview:
    """Compare two packs.

    Args:
        asked: decisions of the record that can be taken again, of the `looked_at` last ones.
        library: attributes of documents.
    """
    changes, kinds = actions(now, then), all_kinds(now, then)
    narrowed, widened = again(now, then, asked)
    counted = [_counted(one, narrowed + widened) for one in changes]
    counted += [one for one in _only_in(narrowed + widened) if not _is_among(one, changes)]
    return Preview(
        version=then.pack_version,
        in_force=now.pack_version,
        looked_at=looked_at,
        decided_again=len(asked),
        now_refused=len(narrowed),
        now_allowed=len(widened),
        changes=tuple(counted),
        kinds=tuple(kinds),
        documents=tuple(reaches(now, then, _people(asked), library)),
        confirm=confirmation(now, then, changes, kinds),
    )


def widens(now: PolicyEngine, then: PolicyEngine) -> str | None:
    """The word that confirms the difference, if `then` allows what `now` refuses; None if it does not."""
    changes, kinds = actions(now, then), all_kinds(now, then)
    if any(one.widens for one in changes) or any(one.gained for one in kinds):
        return confirmation(now, then, changes, kinds)
    return None


def confirmation(now: PolicyEngine, then: PolicyEngine, changes: Iterable[Change], kinds: Iterable[Reach]) -> str:
    """A short word for the difference between two packs, the same whatever was asked meanwhile."""
    said = [
        now.pack_version,
        then.pack_version,
        sorted((one.who, one.clearance, one.action, one.widens) for one in changes),
        sorted((one.who, one.clearance, one.action, one.gained, one.lost) for one in kinds),
    ]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:8]


def actions(now: PolicyEngine, then: PolicyEngine) -> list[Change]:
    """What roles and devices may do at all, by one pack and not by the other. Clearance plays no part in it."""
    found = []
    for principal in _roles(now, then, (2,)):
        for action in sorted({*now.pack.actions, *then.pack.actions}):
            before, after = _decide(now, principal, action, ANYTHING), _decide(then, principal, action, ANYTHING)
            if before.allowed != after.allowed:
                found.append(_change(principal, action, after))
    return found


def again(
    now: PolicyEngine, then: PolicyEngine, asked: Iterable[Asked]
) -> tuple[list[tuple[Asked, Decision]], list[tuple[Asked, Decision]]]:
    """Requests that were allowed and would be refused, and those the other way round, with the decision to come."""
    narrowed: list[tuple[Asked, Decision]] = []
    widened: list[tuple[Asked, Decision]] = []
    for one in asked:
        before = _decide(now, one.principal, one.action, one.resource)
        after = _decide(then, one.principal, one.action, one.resource)
        if before.allowed != after.allowed:
            (widened if after.allowed else narrowed).append((one, after))
    return narrowed, widened


def all_kinds(now: PolicyEngine, then: PolicyEngine) -> list[Reach]:
    """Who would see documents of which kinds: every combination of what either pack's policies mention."""
    rows = kinds_of(now, then)
    return list(reaches(now, then, _roles(now, then, CLEARANCES, ELIGIBLE), rows))


def kinds_of(now: PolicyEngine, then: PolicyEngine) -> list[dict[str, Any]]:
    """Attributes of documents, one of each kind that the packs can tell apart."""
    attributes = {**now.pack.attributes.get("Document", {}), **then.pack.attributes.get("Document", {})}
    none: frozenset[str] = frozenset()
    choices = [
        [
            (name, value)
            for value in _choices(kind, now.pack.compared.get(name, none) | then.pack.compared.get(name, none))
        ]
        for name, kind in sorted(attributes.items())
    ]
    return [dict(row) for row in itertools.islice(itertools.product(*choices), MOST_KINDS)]


def reaches(
    now: PolicyEngine, then: PolicyEngine, people: Iterable[Principal], rows: Sequence[Mapping[str, Any]]
) -> list[Reach]:
    """Which of `rows` each would see more or fewer of, summed for people of one role and clearance."""
    gained: Counter[tuple[str, int, str]] = Counter()
    lost: Counter[tuple[str, int, str]] = Counter()
    of: Counter[tuple[str, int, str]] = Counter()
    examples: dict[tuple[str, int, str], Mapping[str, Any]] = {}

    @functools.lru_cache(maxsize=64)
    def seen(scope: Scope | None) -> list[bool]:
        # Several actions of one person have the same condition, and a row costs more than all else.
        return [scope is not None and scope.admits(row) for row in rows]

    listed = sorted({*now.pack.scopes.get("Document", ()), *then.pack.scopes.get("Document", ())})
    for principal, action in itertools.product(people, listed):
        before, after = _scope(now, principal, action), _scope(then, principal, action)
        if before is not None and after is not None and before.condition == after.condition:
            continue
        key = _who(principal), principal.clearance, action
        for row, sees, will in zip(rows, seen(before), seen(after), strict=True):
            if sees != will:
                (gained if will else lost)[key] += 1
                if key not in examples or (will and gained[key] == 1):
                    examples[key] = row  # rather one that would be seen than one that would not
        of[key] += len(rows)
    return [Reach(*key, gained[key], lost[key], of[key], _shown(examples[key])) for key in sorted(examples)]


def _choices(kind: str, words: Iterable[str]) -> list[Any]:
    """Values of an attribute: what the policies compare it with, the person asking, and anything else."""
    match kind:
        case "long":
            return [1, 2, 3, 4]
        case "set":
            return [[], *([word] for word in sorted(words)), [str(SELF)]]
        case "string?":
            return [None, *sorted(words), str(SELF)]
        case _:
            return [*sorted(words), str(SELF)]


def _roles(
    now: PolicyEngine,
    then: PolicyEngine,
    clearances: Iterable[int],
    eligible: Iterable[frozenset[str]] = ELIGIBLE[:1],
) -> list[Principal]:
    """Somebody of every role with every clearance; kiosks are eligible for no export regime."""
    roles: list[tuple[Any, Any]] = [("person", role) for role in sorted({*now.pack.roles, *then.pack.roles})]
    people = [
        Principal(SELF, kind, NOBODY, "somebody", role, clearance, eligibility=words)
        for (kind, role), clearance, words in itertools.product(roles, clearances, eligible)
    ]
    return people + [Principal(SELF, "kiosk", NOBODY, "somebody", "viewer", clearance) for clearance in clearances]


def _people(asked: Iterable[Asked]) -> list[Principal]:
    return list(
        {
            (one.principal.id, one.principal.clearance, one.principal.eligibility): one.principal for one in asked
        }.values()
    )


def _decide(engine: PolicyEngine, principal: Principal, action: str, resource: Resource) -> Decision:
    known = action in engine.pack.actions and principal.role in engine.pack.roles
    return engine.decide(principal, action, resource) if known else _NO


def _scope(engine: PolicyEngine, principal: Principal, action: str) -> Scope | None:
    known = action in engine.pack.scopes.get("Document", ()) and principal.role in engine.pack.roles
    return engine.scope(principal, action) if known else None


def _who(principal: Principal) -> str:
    return DEVICE if principal.kind == "kiosk" else principal.role


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes without ids: on a list there is only somebody or nobody."""
    return {
        "level": row.get("level"),
        "tags": [tag for tag in row.get("tags", ()) if tag != str(SELF)],
        "on_its_list": str(SELF) in row.get("acl", ()),
        "export": row.get("export", "NONE"),
    }


def _change(principal: Principal, action: str, after: Decision) -> Change:
    # What roles may do at all does not depend on the clearance; 0 stands for any.
    return Change(_who(principal), 0, action, after.allowed, after.reason or "")


def _key(one: Change) -> tuple[str, str, bool]:
    return one.who, one.action, one.widens


def _counted(change: Change, found: Iterable[tuple[Asked, Decision]]) -> Change:
    mine = [asked for asked, after in found if (_who(asked.principal), asked.action, after.allowed) == _key(change)]
    people = len({one.principal.id for one in mine})
    return Change(change.who, change.clearance, change.action, change.widens, change.reason, len(mine), people)


def _only_in(found: Sequence[tuple[Asked, Decision]]) -> list[Change]:
    """Changes that show in requests, by role, clearance and action."""
    grouped: dict[tuple[str, int, str, bool, str], set[UUID]] = {}
    counts: Counter[tuple[str, int, str, bool, str]] = Counter()
    for asked, after in found:
        principal = asked.principal
        key = _who(principal), principal.clearance, asked.action, after.allowed, after.reason or ""
        grouped.setdefault(key, set()).add(principal.id)
        counts[key] += 1
    return [Change(*key, counts[key], len(ids)) for key, ids in sorted(grouped.items())]


def _is_among(change: Change, changes: Iterable[Change]) -> bool:
    return any(_key(change) == _key(one) for one in changes)
