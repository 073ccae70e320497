"""What of the budgets is used, read inside the caller's transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.policy.budgets import Budgets, Counted
from appliance.shelf import budget as rules
from appliance.shelf.budget import Budget, Period, Scope, Standing
from appliance.shelf.tables import BudgetRow, SearchCountRow, UsageRow
from appliance.store import Principal

EVERYBODY: Final = UUID(int=0)
_NAMES: Final = {"tokens": "tokens", "calls": "calls of chat models", "searches": "searches"}


async def standings_of(
    session: AsyncSession,
    principal: Principal,
    provider: str,
    now: dt.datetime,
    said: Budgets,
    counted: Sequence[Counted],
) -> list[Standing]:
    """The budgets that one person's use counts against. Locked on PostgreSQL, so that two cannot take the same rest."""
    mine = select(BudgetRow).where(
        BudgetRow.person_id.in_((principal.id, EVERYBODY)), BudgetRow.provider.in_((provider, "")),
        BudgetRow.counts.in_(counted),
    )  # fmt: skip
    rows = await session.scalars(mine.order_by(BudgetRow.id).with_for_update())
    known = [budget_of(row) for row in rows.all()]
    if more := rules.defaults(said, whose_allowance(principal), principal.id, known, counted):
        await take_turn(session)
    return [Standing(one, await used_of(session, one, now)) for one in (*known, *more)]


def whose_allowance(principal: Principal) -> str | None:
    """Whose allowance of the pack it is: a role's or a kiosk's; of a program nobody's."""
    return {"person": principal.role, "kiosk": "kiosk"}.get(principal.kind)


def told(broken: Standing) -> str:
    """Which budget is used up, in words."""
    budget = broken.budget
    whose = "You" if budget.scope == "person" else "This plant"
    of = f" of {budget.provider}" if budget.provider else ""
    return f"{whose} may use {budget.limit} {_NAMES[budget.counts]}{of} a {budget.period}; {broken.used} are used."


def seconds_until(broken: Standing, now: dt.datetime) -> int:
    """Until it begins anew."""
    return max(1, int((rules.end(broken.budget.period, now) - now).total_seconds()))


async def take_turn(session: AsyncSession) -> None:
    """A budget of the pack has no row to lock: one transaction of a tenant at a time; SQLite's writers stand in line anyway."""
    connection = await session.connection()
    if connection.dialect.name == "postgresql":
        await session.execute(
            text("SELECT pg_advisory_xact_lock(hashtext('budgets'), hashtext(current_setting('app.tenant_id')))")
        )


async def used_of(session: AsyncSession, one: Budget, now: dt.datetime) -> int:
    """What of a budget is used in the running period."""
    since = rules.begin(one.period, now)
    if one.counts == "searches":
        searches = select(func.coalesce(func.sum(SearchCountRow.used), 0)).where(
            SearchCountRow.day >= since.date().isoformat()
        )
        if one.person_id is not None:
            searches = searches.where(SearchCountRow.person_id == one.person_id)
        return int(await session.scalar(searches) or 0)
    counted = func.count() if one.counts == "calls" else func.coalesce(func.sum(UsageRow.tokens), 0)
    query = select(counted).select_from(UsageRow).where(UsageRow.at >= since)
    if one.person_id is not None:
        query = query.where(UsageRow.person_id == one.person_id)
    if one.provider:
        query = query.where(UsageRow.provider == one.provider)
    return int(await session.scalar(query) or 0)


def budget_of(row: BudgetRow) -> Budget:
    person = None if row.person_id == EVERYBODY else row.person_id
    scope: Scope = "person" if person else "provider" if row.provider else "tenant"
    period: Period = "month" if row.period == "month" else "day"
    return Budget(row.id, scope, person, period, row.limit_tokens, row.hard, row.provider, _counts(row))


def _counts(row: BudgetRow) -> Counted:
    return "calls" if row.counts == "calls" else "searches" if row.counts == "searches" else "tokens"
