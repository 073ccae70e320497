"""Limits that an admin set, kept in the file of the tenant and read with every request, so that they hold at once everywhere."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.errors import OutpostError
from appliance.limits import overriding as rules
from appliance.limits.errors import BadLimit, NoSuchLimit
from appliance.limits.overriding import Override, Place, Scope
from appliance.limits.tables import RateOverrideRow
from appliance.policy.limits import Rate, RateLimits
from appliance.store import Admitted, Purpose, Store, TenantId, new_id

_ROUTE: Final = re.compile(r"(?:GET|POST|PUT|PATCH|DELETE) /v1/\S+")
Proven = Callable[[], Awaitable[None]]
"""Asks whether it is them who widens a limit; raises where it is not."""


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Overrides:
    def __init__(self, store: Store, *, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._store, self._clock = store, clock
        self._known: dict[TenantId, Mapping[Place, Rate]] = {}

    async def rates(self, tenant_id: TenantId) -> Mapping[Place, Rate]:
        """What holds now; what was last known where the database does not answer."""
        try:
            async with self._store.open_internal(Purpose.LIMITS, tenant_id) as session:
                self._known[tenant_id] = rules.rates(await _all(session))
        except OutpostError:
            pass
        return self._known.get(tenant_id, {})

    async def all(self, admitted: Admitted) -> list[Override]:
        """Those of the plant, the plant's own first, then by what they are of."""
        async with self._store.open_session(admitted) as session:
            return await _all(session)

    async def set(
        self, admitted: Admitted, place: Place, rate: Rate, limits: RateLimits, slug: str | None, *, proven: Proven
    ) -> Override:
        """Set a limit, or change it.

        Raises:
            BadLimit: it is of nothing that is limited, or wider than the pack lets an admin set.
        """
        if rate == Rate():
            raise BadLimit("Say how many requests in a minute, in an hour, or both.")
        bounds = _bounds(limits, place, slug)
        if rules.exceeds(rate, bounds.most):
            raise BadLimit(f"The policy pack lets an admin set at most {_spelled(bounds.most)} here.")
        async with self._store.open_session(admitted) as session:
            found = await _one(session, place)
            before = None if found is None else _override(found).rate
        widens = rules.widens(before, rate, bounds.given)
        if widens:
            await proven()
        async with self._store.open_session(admitted, write=True) as session:
            row = await _one(session, place, to_change=True)
            # Somebody else may have changed it since; a tighter one is not widened unproven.
            now = None if row is None else _override(row).rate
            if not widens and rules.widens(now, rate, bounds.given):
                raise BadLimit("Somebody has just changed this limit; look at it again.")
            if row is None:
                row = RateOverrideRow(id=new_id(), scope=place[0], subject=place[1])
                session.add(row)
            row.minute, row.hour = rate.minute, rate.hour
            row.set_by, row.set_at = admitted.principal.id, self._clock()
            _tell(admitted, row, widens=widens)
            await session.flush()
            return _override(row)

    async def unset(
        self, admitted: Admitted, override_id: UUID, limits: RateLimits, slug: str | None, *, proven: Proven
    ) -> None:
        """Take a limit away; the pack's holds again. Raises NoSuchLimit."""
        async with self._store.open_session(admitted) as session:
            found = await _there(session, override_id)
        if widens := rules.widens(found.rate, None, _given(limits, (found.scope, found.subject), slug)):
            await proven()
        async with self._store.open_session(admitted, write=True) as session:
            row = await session.get(RateOverrideRow, override_id)
            if row is None:
                raise NoSuchLimit("Nobody set a limit with this id.")
            if not widens and _override(row).rate != found.rate:
                raise BadLimit("Somebody has just changed this limit; look at it again.")
            _tell(admitted, row, widens=widens)
            await session.delete(row)


def _bounds(limits: RateLimits, place: Place, slug: str | None) -> rules.Bounds:
    scope, subject = place
    if scope == "plant" and subject:
        raise BadLimit("The plant has no name here: leave it empty.")
    if scope == "role" and subject not in limits.roles:
        raise BadLimit(f"There is no role {subject[:40]!r}; there are {', '.join(sorted(limits.roles))}.")
    if scope == "person":
        try:
            UUID(subject)
        except ValueError:
            raise BadLimit("A person is named by their id.") from None
    if scope == "route" and not _ROUTE.fullmatch(subject):
        raise BadLimit("A route is a method and a path, such as POST /v1/search.")
    if scope == "route" and subject in limits.uncounted:
        raise BadLimit("Requests of this route are not counted.")
    return rules.bounds(limits, place, slug)


def _given(limits: RateLimits, place: Place, slug: str | None) -> Rate:
    """What holds when nothing is set; of a role that is no longer there, nothing does."""
    return Rate() if place[0] == "role" and place[1] not in limits.roles else rules.bounds(limits, place, slug).given


def _tell(admitted: Admitted, row: RateOverrideRow, *, widens: bool) -> None:
    admitted.outcome.resource_id = str(row.id)
    admitted.outcome.metadata |= {
        "scope": row.scope, "subject": row.subject, "minute": row.minute, "hour": row.hour, "widens": widens,
    }  # fmt: skip


def _spelled(rate: Rate) -> str:
    spans = (("a minute", rate.minute), ("an hour", rate.hour))
    return " and ".join(f"{number} {span}" for span, number in spans if number is not None)


async def _all(session: AsyncSession) -> list[Override]:
    rows = await session.scalars(select(RateOverrideRow).order_by(RateOverrideRow.scope, RateOverrideRow.subject))
    return [_override(row) for row in rows]


async def _one(session: AsyncSession, place: Place, *, to_change: bool = False) -> RateOverrideRow | None:
    query = select(RateOverrideRow).where(RateOverrideRow.scope == place[0], RateOverrideRow.subject == place[1])
    return (await session.scalars(query.with_for_update() if to_change else query)).one_or_none()


async def _there(session: AsyncSession, override_id: UUID) -> Override:
    row = await session.get(RateOverrideRow, override_id)
    if row is None:
        raise NoSuchLimit("Nobody set a limit with this id.")
    return _override(row)


def _override(row: RateOverrideRow) -> Override:
    return Override(row.id, cast("Scope", row.scope), row.subject, Rate(row.minute, row.hour), row.set_by, row.set_at)
