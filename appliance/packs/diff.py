"""What one pack would decide otherwise than another. Nothing is read or written here.

Six looks, because each misses what another sees:

    actions     every action for everybody: what may be done at all
    things      conversations, jobs, approvals: every action on every kind of them
    documents   who sees which: documents of every kind the packs tell apart, and those of the library
    patterns    personal data, questions and orders of the plant's own that would be left to a chat model
    facts       limits of requests, and what else the packs say beside their policies
    requests    the last requests of the record, decided again by both packs

A reader is told of a request only that it would be decided otherwise, never whose it was.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from appliance.packs.alike import Unlike
from appliance.packs.everybody import ANY_CLEARANCE, everybody, of_any_clearance, once, told, who
from appliance.packs.facts import fact_changes
from appliance.packs.values import Asked, Change, Preview, Reach
from appliance.policy import PolicyEngine, Resource, Scope
from appliance.policy.kinds import kinds_of
from appliance.policy.mentions import SELF
from appliance.policy.pack import Pack
from appliance.policy.patterns import PlantPattern
from appliance.policy.phrases import PlantOrder, PlantPhrase
from appliance.policy.scope import Rows
from appliance.store import Decision, Principal

ANYTHING = Resource("node")
MODEL, PERSONAL, ASKED, ORDERED = "chat model", "personal-data.read", "question.word", "orders.read"
_WHAT: Final[Mapping[type, str]] = {PlantPattern: PERSONAL, PlantPhrase: ASKED, PlantOrder: ORDERED}
_NO = Decision(allowed=False, policies=("unknown",), pack_version="", reason="The pack knows no such action or role.")


@dataclass(frozen=True, slots=True)
class Differences:
    """What two packs decide otherwise, whatever was asked; the same two packs always have the same.

    Attributes:
        changes: what somebody may do by one pack and not by the other.
        kinds: documents of every kind that the two tell apart.
        confirm: a short word for the difference.
    """

    changes: tuple[Change, ...]
    kinds: tuple[Reach, ...]
    confirm: str

    @property
    def widen(self) -> bool:
        return any(one.widens for one in self.changes) or any(one.gained for one in self.kinds)


def differences(now: PolicyEngine, then: PolicyEngine) -> Differences:
    """Compare two packs, in some seconds.

    Raises:
        PackRefused: the packs tell more apart than can be compared.
    """
    changes = [
        *all_changes(now, then),
        *fact_changes(now.pack, then.pack),
        *left_to_models(now.pack, then.pack),
    ]
    kinds = all_kinds(now, then)
    said = [
        now.pack_version,
        then.pack_version,
        sorted((one.who, one.clearance, one.action, one.thing, one.widens) for one in changes),
        sorted((one.who, one.clearance, one.action, one.gained, one.lost) for one in kinds),
    ]
    word = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:8]
    return Differences(tuple(changes), tuple(kinds), word)


def preview(
    now: PolicyEngine,
    then: PolicyEngine,
    found: Differences,
    asked: Sequence[Asked],
    looked_at: int,
    library: Sequence[Mapping[str, Any]],
) -> Preview:
    """The differences of two packs, with what they would have meant lately.

    Args:
        asked: decisions of the record that can be taken again, of the `looked_at` last ones.
        library: attributes of documents.
    """
    narrowed, widened = again(now, then, asked)
    counted = [_counted(one, narrowed + widened) for one in found.changes]
    counted += [one for one in _only_in(narrowed + widened) if not _is_among(one, found.changes)]
    return Preview(
        version=then.pack_version,
        in_force=now.pack_version,
        looked_at=looked_at,
        decided_again=len(asked),
        now_refused=len(narrowed),
        now_allowed=len(widened),
        changes=tuple(counted),
        kinds=found.kinds,
        documents=tuple(reaches(now, then, _people(asked), library)),
        confirm=found.confirm,
    )


def all_changes(now: PolicyEngine, then: PolicyEngine) -> list[Change]:
    """What somebody may do by one pack and not by the other: at all, or to some kind of thing."""
    found = []
    unlike = Unlike(now, then)
    every = _tried(now, then)
    for principal in everybody(now.pack, then.pack):
        may_be = unlike.for_(principal)
        tried = [one for one in every if may_be(one[0], one[1])]
        before = _permits(now, principal, [(action, known) for action, _, _, known, _ in tried])
        after = _permits(then, principal, [(action, known) for action, _, _, _, known in tried])
        for (action, _, thing, _, _), did, will in zip(tried, before, after, strict=True):
            if did != will:
                reason = "" if will else _decide(then, principal, action, ANYTHING).reason or ""
                found.append(Change(who(principal), principal.clearance, action, will, reason, thing=thing))
    return of_any_clearance(once(found))


def left_to_models(now: Pack, then: Pack) -> list[Change]:
    """A pattern or rule of the plant's that is taken away lets a model read more, a phrase lets it act on more; one that is altered is
    another.
    """
    before, after = _of_the_plant(now), _of_the_plant(then)
    return [
        Change(
            MODEL,
            ANY_CLEARANCE,
            _WHAT[type(one)],
            one in before,
            "",
            thing=one.told(),
        )
        for one in sorted(before ^ after, key=lambda one: one.told())
    ]


def _of_the_plant(pack: Pack) -> set[PlantPattern | PlantPhrase | PlantOrder]:
    return {*pack.data.patterns, *pack.guard.phrases, *pack.guard.orders}


def _tried(now: PolicyEngine, then: PolicyEngine) -> list[tuple[str, str, str, Resource, Resource]]:
    """Every action with what it may be done to: its type, in words, and as each pack would name it."""
    entities = sorted({*now.pack.attributes, *then.pack.attributes} - {"Collection", "Document"})
    rows = {entity: kinds_of(entity, now.pack, then.pack) for entity in entities}
    things = {
        entity: list(zip([told(entity, row) for row in some], _things(now, entity, some), _things(then, entity, some), strict=True))
        for entity, some in rows.items()
    }  # fmt: skip
    return [
        (action, entity, *thing)
        for action in _all_actions(now, then)
        for entity in ("", *sorted(_applies(now, then, action)))
        for thing in (things.get(entity, ()) if entity else [("", ANYTHING, ANYTHING)])
    ]


def _applies(now: PolicyEngine, then: PolicyEngine, action: str) -> set[str]:
    return {*now.pack.applies.get(action, ()), *then.pack.applies.get(action, ())}


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
    return reaches(now, then, everybody(now.pack, then.pack), kinds_of("Document", now.pack, then.pack))


def reaches(
    now: PolicyEngine, then: PolicyEngine, people: Iterable[Principal], rows: Sequence[Mapping[str, Any]]
) -> list[Reach]:
    """Which of `rows` each would see more or fewer of, summed for people of one role and clearance."""
    gained: Counter[tuple[str, int, str]] = Counter()
    lost: Counter[tuple[str, int, str]] = Counter()
    of: Counter[tuple[str, int, str]] = Counter()
    examples: dict[tuple[str, int, str], Mapping[str, Any]] = {}

    table = Rows(rows)
    listed = sorted({*now.pack.scopes.get("Document", ()), *then.pack.scopes.get("Document", ())})
    unlike = Unlike(now, then)
    asked = (
        (one, action)
        for one in people
        for may_be in (unlike.for_(one),)
        for action in listed
        if may_be(action, "Document")
    )
    for principal, action in asked:
        before, after = _scope(now, principal, action), _scope(then, principal, action)
        if before is not None and after is not None and before.condition == after.condition:
            continue
        key = who(principal), principal.clearance, action
        sees, will = (0 if scope is None else table.admitted(scope) for scope in (before, after))
        more, fewer = will & ~sees, sees & ~will
        if more and not gained[key]:
            examples[key] = rows[_first(more)]  # rather one that would be seen than one that would not
        elif fewer:
            examples.setdefault(key, rows[_first(fewer)])
        gained[key] += more.bit_count()
        lost[key] += fewer.bit_count()
        of[key] += len(rows)
    return once([Reach(*key, gained[key], lost[key], of[key], _shown(examples[key])) for key in sorted(examples)])


def _first(bits: int) -> int:
    return (bits & -bits).bit_length() - 1


def _people(asked: Iterable[Asked]) -> list[Principal]:
    askers = [one.principal for one in asked]
    return list({(one.id, one.clearance, one.eligibility, one.duties, one.teams): one for one in askers}.values())


def _all_actions(now: PolicyEngine, then: PolicyEngine) -> list[str]:
    return sorted({*now.pack.actions, *then.pack.actions})


def _knows(engine: PolicyEngine, principal: Principal, action: str) -> bool:
    return action in engine.pack.actions and principal.role in engine.pack.roles


def _decide(engine: PolicyEngine, principal: Principal, action: str, resource: Resource) -> Decision:
    return engine.decide(principal, action, resource) if _knows(engine, principal, action) else _NO


def _permits(engine: PolicyEngine, principal: Principal, asked: Sequence[tuple[str, Resource]]) -> list[bool]:
    known = [at for at, (action, _) in enumerate(asked) if _knows(engine, principal, action)]
    decided = dict(zip(known, engine.permits_each(principal, [asked[at] for at in known]), strict=True))
    return [decided.get(at, False) for at in range(len(asked))]


def _things(engine: PolicyEngine, entity: str, rows: Iterable[Mapping[str, Any]]) -> list[Resource]:
    """The rows as the services of that pack would name them; a name that no pack has is decided by none."""
    name = next((name for name, known in sorted(engine.pack.resources.items()) if known == entity), entity)
    return [Resource(name, "any", row) for row in rows]


def _scope(engine: PolicyEngine, principal: Principal, action: str) -> Scope | None:
    known = action in engine.pack.scopes.get("Document", ()) and principal.role in engine.pack.roles
    return engine.scope(principal, action) if known else None


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes without ids: on a list there is only somebody or nobody."""
    return {
        "level": row.get("level"),
        "tags": [tag for tag in row.get("tags", ()) if tag != SELF],
        "on_its_list": SELF in row.get("acl", ()),
        "export": row.get("export", "NONE"),
        "of_a_team": row.get("team") is not None,
    }


def _key(one: Change) -> tuple[str, str, bool]:
    return one.who, one.action, one.widens


def _counted(change: Change, found: Iterable[tuple[Asked, Decision]]) -> Change:
    mine = [asked for asked, after in found if (who(asked.principal), asked.action, after.allowed) == _key(change)]
    return change.asked(len(mine), len({one.principal.id for one in mine}))


def _only_in(found: Sequence[tuple[Asked, Decision]]) -> list[Change]:
    """Changes that show in requests, by role, clearance and action."""
    grouped: dict[tuple[str, int, str, bool, str], list[Asked]] = {}
    for asked, after in found:
        principal = asked.principal
        key = who(principal), principal.clearance, asked.action, after.allowed, after.reason or ""
        grouped.setdefault(key, []).append(asked)
    return [
        Change(*key).asked(len(all_of), len({one.principal.id for one in all_of}))
        for key, all_of in sorted(grouped.items(), key=lambda one: one[0])
    ]


def _is_among(change: Change, changes: Iterable[Change]) -> bool:
    return any(_key(change) == _key(one) for one in changes)
