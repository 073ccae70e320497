"""Searches and questions, counted where a budget counts them.

One transaction: what is used + 1 <= every hard budget of searches, then one more is counted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from sqlalchemy import select

from appliance.errors import TooManyRequests
from appliance.policy.budgets import Budgets
from appliance.shelf import budget as rules
from appliance.shelf.budget import Standing
from appliance.shelf.force import utc_now
from appliance.shelf.standings import seconds_until, standings_of, take_turn, told, whose_allowance
from appliance.shelf.tables import BudgetRow, SearchCountRow
from appliance.store import Principal, Purpose, Store, TenantId, new_id


class SearchesExhausted(TooManyRequests):
    """As many searches and questions as may be were made in this period."""

    code, title = "searches-exhausted", "The budget for searches is used up"
    hint = "Open the document by its name, or ask an admin to raise the budget."


class Searching:
    """Args:
    said: what the policy pack of a tenant gives where nobody set a budget.
    """

    def __init__(
        self,
        store: Store,
        said: Callable[[TenantId], Budgets] = lambda _tenant_id: Budgets(),
        *,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._store, self._said, self._clock = store, said, clock

    async def count(self, principal: Principal) -> Standing | None:
        """Count one search or question, where a budget counts them; returns the budget that is nearly used.

        Raises:
            SearchesExhausted: it was not counted; it says when to try again.
        """
        now, said = self._clock(), self._said(principal.tenant_id)
        if not await self._counts_searches(principal, said):
            return None
        async with self._store.open_internal(Purpose.SHELF, principal.tenant_id, write=True) as session:
            await take_turn(session)
            standings = await standings_of(session, principal, "", now, said, ("searches",))
            if (broken := rules.exhausted(standings, 1)) is not None:
                raise SearchesExhausted(told(broken), retry_after=seconds_until(broken, now))
            day = now.astimezone(dt.UTC).date().isoformat()
            found = select(SearchCountRow).where(SearchCountRow.person_id == principal.id, SearchCountRow.day == day)
            row = (await session.scalars(found)).one_or_none()
            if row is None:
                row = SearchCountRow(id=new_id(), person_id=principal.id, day=day, used=0)
                session.add(row)
            row.used += 1
        return rules.warning(standings, said.soft_percent / 100)

    async def _counts_searches(self, principal: Principal, said: Budgets) -> bool:
        """Most plants count none, and then nothing is written."""
        if rules.defaults(said, whose_allowance(principal), principal.id, (), ("searches",)):
            return True
        async with self._store.open_internal(Purpose.SHELF, principal.tenant_id) as session:
            return await session.scalar(select(BudgetRow.id).where(BudgetRow.counts == "searches").limit(1)) is not None
