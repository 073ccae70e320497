"""How many requests may be made: the `[limits]` table of a policy pack.

    [limits.roles]    viewer = { minute = 10, hour = 50 }     what each person of a role may; `kiosk` is one kiosk
    [limits.tenant]   minute = 600                            all people and kiosks of a plant together
    [limits.tenants]  alder = { minute = 900 }                the same for one plant, by its short name
    [limits.routes]   "POST /v1/search" = { minute = 20 }     in place of the role's, counted for itself
    [limits.scopes]   "chat.ask" = { minute = 5 }             beside the role's, for tokens narrowed to that action
    [limits.ceilings] person = { minute = 120 }               up to where an admin may widen what stands here: `person`, `plant`
    uncounted = ["GET /v1/jobs/{job_id}"]                     what screens fetch by themselves

Whatever is left out is as in `CANONICAL`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests in any minute and in any hour; None where that is not limited."""

    minute: int | None = None
    hour: int | None = None


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The limits of a pack. Routes are a method and a path template: `GET /v1/jobs/{job_id}`."""

    roles: Mapping[str, Rate]
    tenant: Rate
    tenants: Mapping[str, Rate] = field(default_factory=dict)
    routes: Mapping[str, Rate] = field(default_factory=dict)
    scopes: Mapping[str, Rate] = field(default_factory=dict)
    uncounted: frozenset[str] = frozenset()
    ceilings: Mapping[str, Rate] = field(default_factory=dict)
    """Up to where an admin may widen: `person` for roles, people and routes, and `plant`."""


CANONICAL: Final = RateLimits(
    roles={
        "viewer": Rate(10, 50),
        "kiosk": Rate(10, 50),
        "operator": Rate(30, 200),
        "admin": Rate(60, 500),
    },
    tenant=Rate(600, 6000),
)


def read_limits(table: Mapping[str, Any]) -> RateLimits:
    """The limits in the `[limits]` table of `pack.toml`.

    Raises:
        ValueError, TypeError: a name that is none, or a number that is not a whole one above zero.
    """
    if unknown := set(table) - {"roles", "tenant", "tenants", "routes", "scopes", "uncounted", "ceilings"}:
        raise ValueError(f"limits has no {sorted(unknown)[0]!r}.")
    ceilings = _rates(table.get("ceilings", {}))
    if unknown := set(ceilings) - {"person", "plant"}:
        raise ValueError(f"limits.ceilings has no {sorted(unknown)[0]!r}.")
    return RateLimits(
        roles={**CANONICAL.roles, **_rates(table.get("roles", {}))},
        tenant=_rate("tenant", table["tenant"]) if "tenant" in table else CANONICAL.tenant,
        tenants=_rates(table.get("tenants", {})),
        routes=_rates(table.get("routes", {})),
        scopes=_rates(table.get("scopes", {})),
        uncounted=frozenset(str(route) for route in table.get("uncounted", ())),
        ceilings=ceilings,
    )


def _rates(table: Mapping[str, Any]) -> dict[str, Rate]:
    return {name: _rate(name, rate) for name, rate in table.items()}


def _rate(name: str, table: Mapping[str, Any]) -> Rate:
    if not table or set(table) - {"minute", "hour"}:
        raise ValueError(f"The limit of {name} is {{ minute = …, hour = … }}, or one of them.")
    for number in table.values():
        if type(number) is not int or number < 1:
            raise ValueError(f"The limit of {name} is a whole number above zero.")
    return Rate(table.get("minute"), table.get("hour"))
