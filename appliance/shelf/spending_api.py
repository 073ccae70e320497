"""Use of chat models over HTTP: what was used, and how much may be."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from litestar import Controller, delete, get, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import BaseModel, ConfigDict, Field, model_validator

from appliance.gate import Gate
from appliance.policy import Resource
from appliance.policy.budgets import MICRO, Counted
from appliance.shelf.budget import Given, Period, Scope, Standing
from appliance.shelf.spending import Division, Spending, Spent
from appliance.store import Principal
from appliance.web import PAGE_SIZE, PAGE_SIZE_MAX, Cursors, Flag, Injected


class SpentView(BaseModel):
    """One model on one day (UTC), once for each currency. A model without a price costs nothing but time."""

    day: dt.date
    model: str
    person_id: Annotated[UUID | None, Field(description="A person, kiosk or program; with `by=person`.")] = None
    provider: Annotated[str | None, Field(description="With `by=provider`.")] = None
    purpose: Annotated[str | None, Field(description="What wrote, such as `words` or `cards`; with `by=purpose`.")] = (
        None
    )
    uses: int
    prompt_tokens: int
    completion_tokens: int
    ms: int
    cost: Annotated[str, Field(description="A decimal number, by the price of each use; `0` without a price.")] = "0"
    currency: Annotated[str, Field(description="Empty without a price.")] = ""

    @classmethod
    def of(cls, one: Spent, by: Division) -> SpentView:
        return cls(
            day=one.day, model=one.model, uses=one.uses, prompt_tokens=one.prompt_tokens,
            completion_tokens=one.completion_tokens, ms=one.ms,
            cost=str(Decimal(one.cost_micros) / MICRO), currency=one.currency,
            person_id=UUID(one.whose) if by == "person" else None,
            provider=one.whose if by == "provider" else None,
            purpose=one.whose if by == "purpose" else None,
        )  # fmt: skip


class Costs(BaseModel):
    items: list[SpentView]
    next_page_token: str | None


class BudgetView(BaseModel):
    """A budget and what of it is used in the running period (UTC). It counts tokens, or what `counts` says instead."""

    id: UUID
    scope: Scope
    person_id: UUID | None
    provider: str
    period: Period
    limit_tokens: int
    used_tokens: int
    hard: bool
    counts: Counted

    @classmethod
    def of(cls, one: Standing) -> BudgetView:
        budget = one.budget
        return cls(
            id=budget.id, scope=budget.scope, person_id=budget.person_id, provider=budget.provider,
            period=budget.period, limit_tokens=budget.limit, used_tokens=one.used, hard=budget.hard,
            counts=budget.counts,
        )  # fmt: skip


class GivenBudget(BaseModel):
    """What the policy pack gives where nobody set a budget for the same person or plant and period."""

    who: Annotated[str | None, Field(description="A role, or `kiosk`: it holds for each. Null for the plant.")]
    period: Period
    limit_tokens: int
    hard: bool
    counts: Counted

    @classmethod
    def of(cls, one: Given) -> GivenBudget:
        return cls(who=one.who, period=one.period, limit_tokens=one.limit, hard=one.hard, counts=one.counts)


class Budgets(BaseModel):
    items: list[BudgetView]
    of_the_pack: list[GivenBudget]


class NewBudget(BaseModel):
    """For one person, or without one for the whole plant; of one provider, or without one of all. A soft one only warns.

    `limit_tokens` counts what `counts` says: tokens, calls of chat models, or searches, which no provider has.
    """

    model_config = ConfigDict(extra="forbid")

    person_id: UUID | None = None
    provider: str = Field(default="", max_length=32)
    period: Period = "day"
    limit_tokens: int = Field(ge=1, le=10**12)
    counts: Counted = "tokens"
    hard: Flag = True

    @model_validator(mode="after")
    def _searches_have_no_provider(self) -> Self:
        if self.counts == "searches" and self.provider:
            raise ValueError("Searches are made of no provider.")
        return self


class SpendingController(Controller):
    path = "/v1"
    tags = ("Models",)

    @get("/analytics/costs", operation_id="costs", asks="usage.read")
    async def costs(
        self,
        principal: Injected[Principal],
        gate: Injected[Gate],
        spending: Injected[Spending],
        cursors: Injected[Cursors],
        days: Annotated[int, QueryParameter(ge=1, le=366)] = 30,
        by: Annotated[Division, QueryParameter(description="Divide each day and model further.")] = "model",
        page_size: Annotated[int, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
        page_token: FromQuery[str | None] = None,
    ) -> Costs:
        """What chat models were used for in the plant, by day and model, and by person, provider or purpose too."""
        after = None
        if page_token:
            at, whose = cursors.decode(page_token), f"whose {by}"
            after = at.number("used_on"), at.text("model"), at.text(whose), at.text("currency")
        async with gate.admit(principal, "usage.read", resource=Resource("model")) as admitted:
            found = await spending.spent(admitted, days=days, by=by)
        rest = found if after is None else [one for one in found if one.place > after]
        shown = rest[:page_size]
        following = None
        if len(rest) > page_size:
            day, model, whose, currency = shown[-1].place
            following = cursors.encode({"used_on": day, "model": model, f"whose {by}": whose, "currency": currency})
        return Costs(items=[SpentView.of(one, by) for one in shown], next_page_token=following)

    @get("/admin/budgets", operation_id="list_budgets", asks="usage.read")
    async def budgets(
        self, principal: Injected[Principal], gate: Injected[Gate], spending: Injected[Spending]
    ) -> Budgets:
        """The budgets that were set, each with what of it is used, and those of the policy pack."""
        async with gate.admit(principal, "usage.read", resource=Resource("model")) as admitted:
            standings, given = await spending.standings(admitted), spending.given(admitted)
        return Budgets(
            items=[BudgetView.of(one) for one in standings], of_the_pack=[GivenBudget.of(one) for one in given]
        )

    @put("/admin/budgets", operation_id="set_budget", asks="budgets.manage")
    async def set_budget(
        self,
        data: JSONBody[NewBudget],
        principal: Injected[Principal],
        gate: Injected[Gate],
        spending: Injected[Spending],
    ) -> BudgetView:
        """Make a budget, or change it."""
        request = data.model_dump_json().encode()
        async with gate.admit(principal, "budgets.manage", resource=Resource("model"), request=request) as admitted:
            made = await spending.set_budget(
                admitted, person_id=data.person_id, period=data.period, limit=data.limit_tokens, hard=data.hard,
                provider=data.provider, counts=data.counts,
            )  # fmt: skip
        return BudgetView.of(made)

    @delete("/admin/budgets/{budget_id:uuid}", operation_id="drop_budget", asks="budgets.manage")
    async def drop(
        self,
        budget_id: FromPath[UUID],
        principal: Injected[Principal],
        gate: Injected[Gate],
        spending: Injected[Spending],
    ) -> None:
        """Take a budget away."""
        async with gate.admit(principal, "budgets.manage", resource=Resource("model", str(budget_id))) as admitted:
            await spending.drop_budget(admitted, budget_id)


ROUTES = [SpendingController]
