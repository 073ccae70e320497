"""What a pack says beside its policies and another says otherwise: limits of requests, budgets, and when the guard must act. Pure.

Told like any other change, so that a raised limit widens, shows in the preview and asks for its word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from appliance.packs.values import Change
from appliance.policy.budgets import COUNTED, PERIODS, Allowance, Counted
from appliance.policy.limits import Rate
from appliance.policy.pack import Pack
from appliance.policy.patterns import STRICTNESS, Then, default_of

ANY_CLEARANCE: Final = 0
NONE: Final = Rate()
CLASSES: Final = (1, 2, 3, 4)
_NAMES: Final = {"tokens": "tokens of chat models", "calls": "calls of chat models", "searches": "searches"}


def fact_changes(now: Pack, then: Pack) -> list[Change]:
    """Every fact that differs, each in words."""
    return [
        *_limits(now, then),
        *_budgets(now, then),
        *_prices(now, then),
        *_uncounted(now, then),
        *_agreeing(now, then),
        *_guard(now, then),
        *_actions(now, then),
        *_last_day(now, then),
    ]


def _limits(now: Pack, then: Pack) -> Iterator[Change]:
    before, after = _rates(now), _rates(then)
    for who in sorted({*before, *after}):
        for period in ("minute", "hour"):
            old, new = _number(before, who, period), _number(after, who, period)
            if old != new:
                widens = new is None or (old is not None and new > old)
                words = f"requests in any {period}: {_told(old)} now, {_told(new)} then"
                yield Change(who, ANY_CLEARANCE, "limits", widens, "", thing=words)


def _rates(pack: Pack) -> dict[str, Rate]:
    limits = pack.limits
    return {
        **limits.roles,
        "all of a plant": limits.tenant,
        **{f"all of {name}": rate for name, rate in limits.tenants.items()},
        **{f"everybody, {route}": rate for route, rate in limits.routes.items()},
        **{f"sign-ins narrowed to {scope}": rate for scope, rate in limits.scopes.items()},
        **{f"{who}, at most by an admin": rate for who, rate in limits.ceilings.items()},
    }


def _number(rates: Mapping[str, Rate], who: str, period: str) -> int | None:
    rate = rates.get(who, NONE)
    return rate.minute if period == "minute" else rate.hour


def _budgets(now: Pack, then: Pack) -> Iterator[Change]:
    for counts in COUNTED:
        before, after = _allowances(now, counts), _allowances(then, counts)
        for who in sorted({*before, *after}):
            for period in PERIODS:
                old, new = _stop(before, who, period), _stop(after, who, period)
                if old != new:
                    widens = new is None or (old is not None and new > old)
                    words = f"{_NAMES[counts]} a {period}: {_told(old)} now, {_told(new)} then"
                    yield Change(who, ANY_CLEARANCE, "budgets", widens, "", thing=words)
    stretch, stretched = now.budgets.light_until, then.budgets.light_until
    if stretch != stretched:
        words = f"light models write until {stretch} % of a budget now, until {stretched} % then"
        yield Change("everybody", ANY_CLEARANCE, "budgets", stretched > stretch, "", thing=words)


def _prices(now: Pack, then: Pack) -> Iterator[Change]:
    """What is written from then on; what stands on record keeps its cost."""
    before, after = now.budgets.prices, then.budgets.prices
    for model in sorted({*before, *after}):
        if before.get(model) != after.get(model):
            yield Change("everybody", ANY_CLEARANCE, "budgets", False, "", thing=f"the price of {model}")


def _allowances(pack: Pack, counts: Counted) -> dict[str, Allowance]:
    quota = pack.budgets.quota(counts)
    return {**quota.roles, "all of a plant": quota.tenant}


def _stop(allowances: Mapping[str, Allowance], who: str, period: str) -> int | None:
    """Where the writing stops; a budget that only warns stops nothing."""
    one = allowances.get(who, Allowance())
    return (one.day if period == "day" else one.month) if one.hard else None


def _told(number: int | None) -> str:
    return "no limit of its own" if number is None else str(number)


def _uncounted(now: Pack, then: Pack) -> Iterator[Change]:
    for route in sorted(now.limits.uncounted ^ then.limits.uncounted):
        free = route in then.limits.uncounted
        words = f"{route} is {'no longer counted' if free else 'counted'}"
        yield Change("everybody", ANY_CLEARANCE, "limits", free, "", thing=words)


def _agreeing(now: Pack, then: Pack) -> Iterator[Change]:
    for kind in sorted({*now.needed, *then.needed}):
        old, new = now.needed.get(kind, 1), then.needed.get(kind, 1)
        if old != new:
            words = f"people who must agree to a request ({kind}): {old} now, {new} then"
            yield Change("approvers", ANY_CLEARANCE, "approvals.decide", new < old, "", thing=words)
    for word, old, new in (
        ("is put before the admins", now.patience.escalate_hours, then.patience.escalate_hours),
        ("is rejected by itself", now.patience.expire_hours, then.patience.expire_hours),
    ):
        if old != new:
            words = f"hours until a request that nobody answers {word}: {old} now, {new} then"
            yield Change("approvers", ANY_CLEARANCE, "approvals.decide", new > old, "", thing=words)


def _guard(now: Pack, then: Pack) -> Iterator[Change]:
    old, new = now.sanitised_from, then.sanitised_from
    if old != new:
        words = f"personal data is kept from models from class {old} on now, from class {new} on then"
        yield Change("models", ANY_CLEARANCE, "guard", new > old, "", thing=words)


def _actions(now: Pack, then: Pack) -> Iterator[Change]:
    """Kinds of personal data for which something else is done; below what is forced a weaker one changes nothing."""
    kinds = sorted({one.kind for pack in (now, then) for one in pack.data.actions})
    for kind in kinds:
        for level in CLASSES:
            old, new = _done(now, kind, level), _done(then, kind, level)
            if old != new:
                words = f"{kind} in sources of class {level}: {old or 'left'} now, {new or 'left'} then"
                yield Change(
                    "models", ANY_CLEARANCE, "guard", STRICTNESS.index(new) < STRICTNESS.index(old), "", thing=words
                )


def _done(pack: Pack, kind: str, level: int) -> Then | None:
    done = pack.data.at(level).get(kind, default_of(kind))
    return max(done, "redact", key=STRICTNESS.index) if level >= pack.sanitised_from and default_of(kind) else done


def _last_day(now: Pack, then: Pack) -> Iterator[Change]:
    old, new = now.valid_until, then.valid_until
    if old != new:
        widens = new is None or (old is not None and new > old)
        words = f"the pack decides until {old or 'it is replaced'} now, until {new or 'it is replaced'} then"
        yield Change("everybody", ANY_CLEARANCE, "valid_until", widens, "", thing=words)
