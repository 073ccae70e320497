"""Everybody that two packs are tried on, and how a difference is told without telling it twice.

People of every role with every clearance, eligible for every export regime, and in a team as whatever one can be there, in both where
that could matter; with each duty that the policies know and with all that give something; programs of every role; kiosks; the owner;
and a sign-in that was narrowed to one action. What a program or the owner would gain like a person of the same role is said once, of the person.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar
from uuid import UUID

from appliance.identity.duties import NARROWING
from appliance.packs.values import Change, Reach
from appliance.policy.mentions import SELF
from appliance.policy.pack import Pack
from appliance.store import Principal, TenantId
from appliance.store.admission import TeamRole

CLEARANCES: Final = (1, 2, 3)
ELIGIBLE: Final = (frozenset[str](), frozenset({"EAR"}), frozenset({"ITAR"}))
IN_A_TEAM: Final[tuple[TeamRole, ...]] = ("viewer", "member", "owner")
"""In the one that things are compared with; `kinds` calls it like the person."""
ANY_CLEARANCE: Final = 0
ME: Final = UUID(SELF)
OWNER: Final = "owner"
NARROWED: Final = frozenset({"auth.me"})
NODE: Final = TenantId(UUID(int=0))

_TEAM: Final = re.compile(r"\b(teams?|writes|leads)\b")
_EXPORT: Final = re.compile(r"\b(eligible|export)\b")

Difference = TypeVar("Difference", bound=Change | Reach)


def everybody(*packs: Pack) -> list[Principal]:
    """One of each, in the tenant of the things that are tried."""
    roles: list[Any] = sorted({role for pack in packs for role in pack.roles})
    found = [
        Principal(ME, "person", NODE, "somebody", role, clearance, eligibility=eligible)
        for role, clearance, eligible in itertools.product(roles, CLEARANCES, ELIGIBLE)
    ]
    in_a_team = ELIGIBLE if _both_matter(packs) else ELIGIBLE[:1]
    found += [
        Principal(
            ME, "person", NODE, "somebody", role, clearance, eligibility=eligible, teams=frozenset({(SELF, team_role)})
        )
        for role, clearance, eligible, team_role in itertools.product(roles, CLEARANCES, in_a_team, IN_A_TEAM)
    ]
    for clearance in CLEARANCES:
        found += [Principal(ME, "service", NODE, "somebody", role, clearance) for role in roles]
        found.append(Principal(ME, "kiosk", NODE, "somebody", "viewer", clearance))
        found += [Principal(ME, "person", NODE, "somebody", role, clearance, NARROWED) for role in roles]
    duties = sorted({duty for pack in packs for duty in pack.duties})
    together = frozenset(duties) - NARROWING  # an audit forbids what the others give, and would hide it
    held = list(dict.fromkeys([*(frozenset({duty}) for duty in duties), together])) if duties else []
    found += [
        Principal(ME, "person", NODE, "somebody", role, clearance, duties=some)
        for role, clearance, some in itertools.product(roles, CLEARANCES, held)
    ]
    return [*found, Principal(ME, "owner", NODE, "somebody", "admin", max(CLEARANCES))]


def _both_matter(packs: Sequence[Pack]) -> bool:
    """Whether what is compared could hold only for somebody who is in a team and eligible too.

    It cannot where the packs share every policy about teams or export, and no permit reads both: what else differs
    is then seen on a thing of no team and under no export control, for which neither matters.
    """
    policies = [set(pack.texts["policies.cedar"].split("@id(")) for pack in packs]
    shared = set.intersection(*policies)
    for one in set.union(*policies):
        team, export = _TEAM.search(one), _EXPORT.search(one)
        if (one not in shared and (team or export)) or ("permit" in one and team and export):
            return True
    return False


def who(principal: Principal) -> str:
    """A role; `kiosk`, `owner`, `service ROLE`, `narrowed ROLE`, or one with duties: `auditor viewer`."""
    if principal.kind in {"kiosk", "owner"}:
        return principal.kind
    if principal.kind == "service":
        return f"service {principal.role}"
    if principal.duties:
        return f"{'+'.join(sorted(principal.duties))} {principal.role}"
    return f"narrowed {principal.role}" if principal.scopes else principal.role


def told(entity: str, row: Mapping[str, Any]) -> str:
    """A thing in words: `Conversation, owner: somebody else`."""
    return ", ".join([entity, *(f"{name}: {_word(name, value)}" for name, value in sorted(row.items()))])


def _word(name: str, value: Any) -> str:
    if isinstance(value, list):
        return " and ".join(_word(name, one) for one in value) or "none"
    if name == "team" and value == SELF:
        return "one that the person is in"
    return {None: "nobody", SELF: "the person"}.get(value, str(value))


def once(found: Iterable[Difference]) -> list[Difference]:
    """Each difference once: not of a program, the owner or a narrowed sign-in what is said of a person of the role."""
    by_who: dict[tuple[Any, ...], Difference] = {(each.who, *_what(each)): each for each in found}
    kept: list[Difference] = []
    for each in by_who.values():
        like = _like(each.who)
        if like == each.who or (like, *_what(each)) not in by_who:
            kept.append(each)
    return kept


def of_any_clearance(found: Iterable[Change]) -> list[Change]:
    """What holds for every clearance is said once, and of none."""
    alike: dict[tuple[Any, ...], list[Change]] = {}
    for one in found:
        alike.setdefault((one.who, one.action, one.widens, one.thing), []).append(one)
    told_once = []
    for same in alike.values():
        everywhere = {one.clearance for one in same} == set(CLEARANCES) or same[0].who == OWNER
        told_once += [replace(same[0], clearance=ANY_CLEARANCE)] if everywhere else same
    return told_once


def _like(name: str) -> str:
    """The person that a program, the owner or a narrowed sign-in is like."""
    return "admin" if name == OWNER else name.rpartition(" ")[2]


def _what(one: Change | Reach) -> tuple[Any, ...]:
    if isinstance(one, Change):
        return one.clearance, one.action, one.widens, one.thing
    return one.clearance, one.action, one.gained > 0, one.lost > 0
