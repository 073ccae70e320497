"""What chat models are used for: reserved before, settled after, held against budgets, never with a word of any text.

reserve   one transaction: what is used + what this may take <= every hard budget, then a row for it
settle    the row becomes what it took and cost; a crash leaves the reservation, so nothing is ever used twice
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import select

from appliance.errors import NotFound, TooManyRequests
from appliance.policy.budgets import Budgets, Counted
from appliance.shelf import budget as rules
from appliance.shelf.budget import Period, Standing
from appliance.shelf.force import utc_now
from appliance.shelf.standings import EVERYBODY, budget_of, seconds_until, standings_of, told, used_of
from appliance.shelf.tables import BudgetRow, UsageRow
from appliance.store import Admitted, Principal, Purpose, Store, TenantId, new_id

LOCAL: Final = "local"
"""The provider of a node's own models."""


class BudgetExhausted(TooManyRequests):
    """As many tokens as may be were used in this period. Quotes need none."""

    code, title = "budget-exhausted", "The budget for writing is used up"
    hint = "The quotes stand by themselves. An admin can raise the budget."

    def __init__(self, detail: str, *, retry_after: int, provider: str = "", light_left: bool = False) -> None:
        super().__init__(detail, retry_after=retry_after)
        self.provider = provider
        """Whose budget it is, where others may still write; else empty."""
        self.light_left = light_left
        """Whether a light model may still write."""


class NoSuchBudget(NotFound):
    """There is no such budget in this plant."""

    code, title = "no-such-budget", "That budget is not there"
    hint = "`outpost budget list` shows those there are."


@dataclass(frozen=True, slots=True)
class Reservation:
    """What one use may take. `warning` is a budget that is nearly used."""

    id: UUID
    tenant_id: TenantId
    tokens: int
    warning: Standing | None


Division = Literal["model", "person", "provider", "purpose"]
"""What use is told by, beside day and model."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What one model was used for on one day (UTC); `whose` is the person, provider or purpose, where it is told by one."""

    day: dt.date
    model: str
    whose: str
    uses: int
    prompt_tokens: int
    completion_tokens: int
    ms: int
    cost_micros: int = 0
    currency: str = ""
    """What it cost, in millionths; there is one line for each currency."""

    @property
    def place(self) -> tuple[int, str, str, str]:
        """Sorts the newest day first, then by model, whose and currency."""
        return -self.day.toordinal(), self.model, self.whose, self.currency


class Spending:
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

    async def reserve(
        self,
        principal: Principal,
        *,
        model: str,
        purpose: str,
        tokens: int,
        provider: str = LOCAL,
        light: bool = False,
    ) -> Reservation:
        """Before anything is written.

        Args:
            light: a light model writes because nothing else may: it goes on until `light_until` percent of a budget.

        Raises:
            BudgetExhausted: nothing was reserved; it says when to try again.
        """
        now, said = self._clock(), self._said(principal.tenant_id)
        async with self._store.open_internal(Purpose.SHELF, principal.tenant_id, write=True) as session:
            standings = await standings_of(session, principal, provider, now, said, ("tokens", "calls"))
            broken = rules.exhausted(standings, tokens, said.light_until if light else 100)
            if broken is not None:
                left = not light and rules.exhausted(standings, tokens, said.light_until) is None
                raise BudgetExhausted(
                    told(broken),
                    retry_after=seconds_until(broken, now),
                    provider=broken.budget.provider,
                    light_left=left and not broken.budget.provider,
                )
            row = UsageRow(
                id=new_id(), at=now, person_id=principal.id, model=model[:64], provider=provider[:32], purpose=purpose,
                tokens=tokens, cost_micros=0, currency="", prompt_tokens=0, completion_tokens=0, ms=0, settled=False,
            )  # fmt: skip
            session.add(row)
        return Reservation(row.id, principal.tenant_id, tokens, rules.warning(standings, said.soft_percent / 100))

    async def settle(
        self,
        reservation: Reservation,
        *,
        prompt: int,
        completion: int,
        ms: float,
        model: str | None = None,
        provider: str | None = None,
    ) -> None:
        """Write what it took and cost, and of whom where another one wrote. Where that is not known (both 0) the reservation
        stands, and costs nothing.
        """
        async with self._store.open_internal(Purpose.SHELF, reservation.tenant_id, write=True) as session:
            row = await session.get_one(UsageRow, reservation.id)
            if prompt or completion:
                row.prompt_tokens, row.completion_tokens, row.tokens = prompt, completion, prompt + completion
            row.model, row.provider = (model or row.model)[:64], (provider or row.provider)[:32]
            row.ms, row.settled = round(ms), True
            price = self._said(reservation.tenant_id).price(row.provider, row.model)
            if price is not None:
                row.cost_micros, row.currency = price.cost(prompt, completion), price.currency

    async def standings(self, admitted: Admitted) -> list[Standing]:
        """All budgets of the tenant."""
        now = self._clock()
        async with self._store.open_session(admitted) as session:
            budgets = [
                budget_of(row) for row in await session.scalars(select(BudgetRow).order_by(BudgetRow.created_at))
            ]
            return [Standing(one, await used_of(session, one, now)) for one in budgets]

    def given(self, admitted: Admitted) -> list[rules.Given]:
        """What the policy pack of the tenant gives where nobody set a budget."""
        return rules.given(self._said(admitted.tenant_id))

    async def set_budget(
        self,
        admitted: Admitted,
        *,
        person_id: UUID | None,
        period: Period,
        limit: int,
        hard: bool,
        provider: str = "",
        counts: Counted = "tokens",
    ) -> Standing:
        """Make a budget, or change the one that the person, or the plant, has for this period and provider."""
        now, who = self._clock(), person_id or EVERYBODY
        async with self._store.open_session(admitted, write=True) as session:
            found = select(BudgetRow).where(
                BudgetRow.person_id == who, BudgetRow.provider == provider, BudgetRow.period == period,
                BudgetRow.counts == counts,
            )  # fmt: skip
            row = (await session.scalars(found)).one_or_none()
            if row is None:
                row = BudgetRow(
                    id=new_id(), person_id=who, provider=provider, period=period, created_at=now, limit_tokens=limit,
                    hard=hard, counts=counts,
                )  # fmt: skip
                session.add(row)
            row.limit_tokens, row.hard = limit, hard
            admitted.outcome.resource_id = str(row.id)
            admitted.outcome.metadata |= {"period": period, "limit": limit, "hard": hard, "counts": counts}
            await session.flush()
            return Standing(budget_of(row), await used_of(session, budget_of(row), now))

    async def drop_budget(self, admitted: Admitted, budget_id: UUID) -> None:
        """Raises NoSuchBudget."""
        async with self._store.open_session(admitted, write=True) as session:
            row = await session.get(BudgetRow, budget_id)
            if row is None:
                raise NoSuchBudget("There is no budget with this id.")
            await session.delete(row)

    async def spent(self, admitted: Admitted, *, days: int, by: Division = "model") -> list[Spent]:
        """The newest day first, then by model and `by`. Uses that are still under way are left out."""
        since = rules.begin("day", self._clock()) - dt.timedelta(days=days - 1)
        async with self._store.open_session(admitted) as session:
            rows = await session.scalars(select(UsageRow).where(UsageRow.at >= since, UsageRow.settled))
            made: dict[tuple[dt.date, str, str, str], Spent] = {}
            for row in rows:
                key = row.at.astimezone(dt.UTC).date(), row.model, _whose(row, by)
                one = made.get((*key, row.currency)) or Spent(*key, 0, 0, 0, 0, 0, row.currency)
                made[*key, row.currency] = Spent(
                    *key,
                    one.uses + 1,
                    one.prompt_tokens + row.prompt_tokens,
                    one.completion_tokens + row.completion_tokens,
                    one.ms + row.ms,
                    one.cost_micros + row.cost_micros,
                    row.currency,
                )
        return sorted(made.values(), key=lambda one: one.place)


def _whose(row: UsageRow, by: Division) -> str:
    match by:
        case "model":
            return ""
        case "person":
            return str(row.person_id)
        case "provider":
            return row.provider
        case "purpose":
            return row.purpose


async def of_plant(store: Store, tenant_id: TenantId, now: dt.datetime) -> list[Standing]:
    """The budgets that were set for a whole plant or for one provider in it, for monitors; those of people are nobody's business."""
    async with store.open_internal(Purpose.HEALTH, tenant_id) as session:
        rows = await session.scalars(select(BudgetRow).where(BudgetRow.person_id == EVERYBODY))
        return [Standing(one, await used_of(session, one, now)) for one in map(budget_of, rows.all())]


async def has_budget(store: Store, tenant_id: TenantId, said: Budgets) -> bool:
    """Whether anything limits what chat models may take in a tenant: what an admin set, or its policy pack says."""
    if any(one.counts != "searches" for one in rules.given(said)):
        return True
    async with store.open_internal(Purpose.VERIFY, tenant_id) as session:
        return await session.scalar(select(BudgetRow.id).where(BudgetRow.counts != "searches").limit(1)) is not None
