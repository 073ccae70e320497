"""Limits that an admin set outside the policy pack, decided without doing anything.

    plant    all people and kiosks of the plant together
    role     each person of a role; `kiosk` is each kiosk
    person   one person, in place of their role's
    route    each person on one route: in place of the pack's for that route, or beside the role's where the pack has none

What is set is tighter than the pack's, or wider up to the pack's `[limits.ceilings]`. A pack that is put in force later goes
before: what is set then holds as far as that one lets it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from appliance.policy.limits import Rate, RateLimits

Scope = Literal["plant", "role", "person", "route"]
Place: TypeAlias = tuple[Scope, str]
"""What a limit is of, and which: the role, the id of the person, the route; empty for the plant."""


@dataclass(frozen=True, slots=True)
class Override:
    """A limit that was set. None in its rate leaves what the pack says."""

    id: UUID
    scope: Scope
    subject: str
    rate: Rate
    set_by: UUID
    set_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the pack says of a place, and the most that may be set there; None where that is not limited.

    Of one person the role is not asked: the tightest role's counts as what the pack says, the widest one's is the most.
    When requests are counted, the person's own role bounds it.
    """

    given: Rate
    most: Rate


def bounds(limits: RateLimits, place: Place, slug: str | None) -> Bounds:
    """Raises KeyError for a role that the pack does not name."""
    scope, subject = place
    match scope:
        case "plant":
            given = limits.tenants.get(slug or "", limits.tenant)
        case "role":
            given = limits.roles[subject]
        case "route":
            given = limits.routes.get(subject, Rate())
        case "person":
            every = list(limits.roles.values())
            given = Rate(_least(one.minute for one in every), _least(one.hour for one in every))
            widest = [_most(one, limits, scope) for one in every]
            return Bounds(given, Rate(_widest(one.minute for one in widest), _widest(one.hour for one in widest)))
    return Bounds(given, _most(given, limits, scope))


def over(given: Rate, wanted: Sequence[Rate | None], limits: RateLimits, scope: Scope) -> Rate:
    """What holds where the pack says `given`: the first of `wanted` that says something, as far as the pack lets it."""
    most = _most(given, limits, scope)
    minute = next((one.minute for one in wanted if one is not None and one.minute is not None), given.minute)
    hour = next((one.hour for one in wanted if one is not None and one.hour is not None), given.hour)
    return Rate(_under(minute, most.minute), _under(hour, most.hour))


def exceeds(wanted: Rate, most: Rate) -> bool:
    """Whether more is wanted than may be set."""
    return _more(wanted.minute, most.minute) or _more(wanted.hour, most.hour)


def widens(before: Rate | None, after: Rate | None, given: Rate) -> bool:
    """Whether somebody may ask more often with `after` set (None: nothing) than with `before`."""
    old = before or Rate()
    new = after or Rate()
    return any(
        is_wider(now if now is not None else said, then if then is not None else said)
        for now, then, said in ((old.minute, new.minute, given.minute), (old.hour, new.hour, given.hour))
    )


def is_wider(before: int | None, after: int | None) -> bool:
    return before is not None and (after is None or after > before)


def rates(found: Iterable[Override]) -> Mapping[Place, Rate]:
    return {(one.scope, one.subject): one.rate for one in found}


def _most(given: Rate, limits: RateLimits, scope: Scope) -> Rate:
    ceiling = limits.ceilings.get("plant" if scope == "plant" else "person", Rate())
    return Rate(_wider(given.minute, ceiling.minute), _wider(given.hour, ceiling.hour))


def _wider(given: int | None, ceiling: int | None) -> int | None:
    return given if given is None or ceiling is None else max(given, ceiling)


def _under(wanted: int | None, most: int | None) -> int | None:
    return wanted if most is None else most if wanted is None else min(wanted, most)


def _more(wanted: int | None, most: int | None) -> bool:
    return wanted is not None and most is not None and wanted > most


def _least(numbers: Iterable[int | None]) -> int | None:
    return min((one for one in numbers if one is not None), default=None)


def _widest(numbers: Iterable[int | None]) -> int | None:
    every = list(numbers)
    return None if None in every else max(one for one in every if one is not None)
