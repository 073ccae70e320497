"""Sliding windows, decided without doing anything.

A window of `seconds` is cut into 60 slices, and requests are counted by slice. What counts at any moment are the slice
of that moment and the 60 before it, so that there are never more than `most` in *any* stretch of `seconds`; who has used
all of it waits for at most a sixtieth longer than needed.

    slice   …  s-60  s-59  …  s-1   s          s = floor(now / width)
            └───────── counted ────────┘

Time may jump. A slice that lies ahead of the clock, because it was set back, counts as of now: it holds somebody back
for one window at most, and lets nobody have more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from appliance.limits.overriding import Place, over
from appliance.policy.limits import Rate, RateLimits
from appliance.store import Principal

SLICES: Final = 60
SPANS: Final[Mapping[str, int]] = {"minute": 60, "hour": 3600}
TENANT: Final = "tenant"
PERSON: Final = "person"
NONE_SET: Final[Mapping[Place, Rate]] = {}

Counts: TypeAlias = Mapping[int, int]
"""Requests by slice."""
Profile: TypeAlias = Literal["production", "staging", "development"]


@dataclass(frozen=True, slots=True)
class Key:
    """Whose requests are counted for what. `subject` is empty where it is the whole tenant's."""

    tenant: str
    subject: str
    what: str
    """`person`, `tenant`, a route, or `scope` and an action."""
    seconds: int


@dataclass(frozen=True, slots=True)
class Window:
    """At most `most` requests in any `key.seconds`."""

    key: Key
    most: int

    @property
    def name(self) -> str:
        """As headers and metrics call it: `person-minute`."""
        kind = self.key.what.partition(" ")[0] if self.key.what.startswith("scope ") else self.key.what
        return f"{'route' if '/' in kind else kind}-{_span(self.key.seconds)}"


@dataclass(frozen=True, slots=True)
class Standing:
    """A window with what is used of it, and after how many seconds more is free again (0 if nothing is used)."""

    window: Window
    used: int
    reset: int

    @property
    def left(self) -> int:
        return max(0, self.window.most - self.used)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`refused` is the window that holds somebody back longest, `wait` for how many seconds. Else all were counted."""

    standings: tuple[Standing, ...]
    refused: Window | None = None
    wait: int = 0


def living(counts: Counts, seconds: int, now: float) -> dict[int, int]:
    """What of `counts` still counts at `now` (seconds of any clock), with what lies ahead of it moved to now."""
    present = math.floor(now / (seconds / SLICES))
    kept: dict[int, int] = {}
    for one, hits in counts.items():
        if one >= present - SLICES:
            place = min(one, present)
            kept[place] = kept.get(place, 0) + hits
    return kept


def judged(windows: Sequence[Window], counts: Mapping[Key, Counts], now: float) -> Verdict:
    """Whether one more request fits into all `windows`. Standings are those before it is counted."""
    standings, refused, longest = [], None, 0
    for window in windows:
        alive = living(counts.get(window.key, {}), window.key.seconds, now)
        standings.append(Standing(window, sum(alive.values()), _until(alive, window.key.seconds, now, free=1)))
        if sum(alive.values()) >= window.most:
            wait = _until(alive, window.key.seconds, now, free=sum(alive.values()) - window.most + 1)
            if wait > longest:
                refused, longest = window, wait
    return Verdict(tuple(standings), refused, longest)


def taken(windows: Sequence[Window], counts: Mapping[Key, Counts], now: float) -> tuple[Verdict, dict[Key, Counts]]:
    """Count one request in all `windows`, or in none. Returns what the counts of these windows are now.

    They are to be kept also where nothing was counted: what lay ahead of the clock has been moved to now for good.
    """
    verdict = judged(windows, counts, now)
    after: dict[Key, Counts] = {}
    for window in windows:
        alive = living(counts.get(window.key, {}), window.key.seconds, now)
        if verdict.refused is None:
            present = math.floor(now / (window.key.seconds / SLICES))
            alive[present] = alive.get(present, 0) + 1
        after[window.key] = alive
    if verdict.refused is None:
        verdict = judged(windows, after, now)
        verdict = Verdict(verdict.standings)
    return verdict, after


def _until(alive: Counts, seconds: int, now: float, *, free: int) -> int:
    """Whole seconds until `free` of the requests in `alive` no longer count; 0 if there are none."""
    width = seconds / SLICES
    gone = 0
    for one in sorted(alive):
        gone += alive[one]
        if gone >= free:
            return max(1, math.ceil((one + SLICES + 1) * width - now))
    return 0


def subject_of(principal: Principal) -> str:
    """A person; at a kiosk the kiosk and the person, so that neither a shared device nor a badge at many pools counts."""
    return str(principal.id) if principal.kiosk_id is None else f"{principal.kiosk_id}:{principal.id}"


def windows_of(
    principal: Principal,
    route: str,
    limits: RateLimits,
    *,
    ceiling: int,
    profile: Profile,
    tenant_slug: str | None,
    overrides: Mapping[Place, Rate] = NONE_SET,
) -> tuple[Window, ...]:
    """The windows that a request counts in; none where it is not counted.

    Args:
        route: a method and a path template.
        ceiling: requests of one person in a minute, whatever the pack allows.
        tenant_slug: the short name of the tenant, where the pack names tenants.
        overrides: what an admin set.
    """
    if not is_counted(principal, route, limits):
        return ()
    tenant, subject = str(principal.tenant_id), subject_of(principal)
    if profile == "development":
        return tuple(_windows(tenant, subject, PERSON, Rate(minute=ceiling)))
    role = "kiosk" if principal.kind == "kiosk" else principal.role
    own, on_route = limits.routes.get(route), overrides.get(("route", route))
    if own is not None:
        windows = [*_windows(tenant, subject, route, _under(over(own, [on_route], limits, "route"), ceiling))]
    else:
        wanted = [overrides.get(("person", str(principal.id))), overrides.get(("role", role))]
        tier = over(limits.roles.get(role, limits.roles["viewer"]), wanted, limits, "person")
        windows = [*_windows(tenant, subject, PERSON, _under(tier, ceiling))]
        # What the pack does not say of a route is counted beside the rest: it takes, and gives nothing.
        windows += [] if on_route is None else _windows(tenant, subject, route, on_route)
    for scope in sorted(principal.scopes & limits.scopes.keys()):
        windows += _windows(tenant, subject, f"scope {scope}", limits.scopes[scope])
    said = limits.tenants.get(tenant_slug or "", limits.tenant)
    whole = over(said, [overrides.get(("plant", ""))], limits, "plant")
    return (*windows, *_windows(tenant, "", TENANT, whole))


def is_counted(principal: Principal, route: str, limits: RateLimits) -> bool:
    """Not the owner of the node, and not what screens fetch by themselves."""
    return principal.kind != "owner" and route not in limits.uncounted


def _under(rate: Rate, ceiling: int) -> Rate:
    return Rate(min(rate.minute or ceiling, ceiling), rate.hour)


def _windows(tenant: str, subject: str, what: str, rate: Rate) -> Iterable[Window]:
    for seconds, most in ((SPANS["minute"], rate.minute), (SPANS["hour"], rate.hour)):
        if most is not None:
            yield Window(Key(tenant, subject, what, seconds), most)


def _span(seconds: int) -> str:
    return next((name for name, span in SPANS.items() if span == seconds), f"{seconds}s")
