"""An answer in words: from a card where one fits, else by a model, paid for, and by the best one where the first says nothing.

card ── fits, and the gate releases all of it ──> said
else ── guard: nothing gives orders to a model, personal data is taken out ── choose who writes ── reserve ── write, each sentence through the gate ── settle
         ├── no sentence was released: the best model once, if that is quick enough to be done unasked
         └── a budget is used up: another provider, or the light model, until that has had its share too
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

from appliance.answers import Answer
from appliance.answers.in_words import InWords, Offer, Said, Told
from appliance.answers.phrasing import Length
from appliance.answers.ports import Writers
from appliance.answers.screens import Screens
from appliance.cards import Cards
from appliance.errors import Unavailable
from appliance.guard.sanitising import Sanitiser
from appliance.guard.values import Warned
from appliance.metrics import ESCALATED
from appliance.routing.values import Wanted
from appliance.shelf.spending import BudgetExhausted, Spending
from appliance.store import Admitted, Principal
from appliance.store.finishing import uninterrupted

PURPOSE = "words"


@dataclass(slots=True)
class _Spent:
    """Tokens of a use that has ended, 0 where that is not known, and who they were of."""

    model: str
    provider: str
    prompt: int = 0
    completion: int = 0


class Wording:
    """Args:
    within: seconds; what takes no longer is done without being asked for.
    """

    def __init__(self, writers: Writers, cards: Cards, spending: Spending, screens: Screens, *, within: float) -> None:
        self._writers, self._cards, self._spending, self._screens = writers, cards, spending, screens
        self._within = within

    async def offer(self, admitted: Admitted, question: str, answer: Answer) -> tuple[Offer, Warned | None]:
        """What can be offered beside an answer, and why that is nothing where the guard keeps it from a model."""
        if await self._cards.fitting(admitted, question, answer) is not None:
            return Offer(True, 0.0, by_itself=True), None
        wanted = _wanted(admitted.principal, question, answer, "short", "")
        offer = await InWords(await self._writers.choose(wanted), within=self._within).offer(question, answer)
        warned = await self._screens.against(admitted, question, answer) if offer.available else None
        return (offer, None) if warned is None else (Offer(False), warned)

    async def tell(
        self, admitted: Admitted, question: str, answer: Answer, *, length: Length, anew: bool, ask: str
    ) -> AsyncIterator[Said | Told]:
        """Each sentence as it is released, then how it ended.

        Raises:
            NotForAModel: the question or a passage is none that a model may read.
            NoSuchRoute: nobody here writes with the model `ask` names.
            BudgetExhausted, Unavailable: nothing can be written; sentences released before it stand.
        """
        guard = await self._screens.sanitiser(admitted, answer)
        if length == "short" and not anew and not ask:
            card = await self._cards.fitting(admitted, question, answer)
            said = None if card is None else await self._cards.told(card, question, answer, guard)
            if card is not None and said is not None:
                admitted.outcome.metadata["card"] = str(card.id)
                for step in said:
                    yield step
                return
        await self._screens.must_pass(admitted, question, answer)
        wanted = _wanted(admitted.principal, question, answer, length, ask)
        wanted = replace(wanted, withheld=partial(_withheld, admitted))
        told: Told | None = None
        async with aclosing(self._written(wanted, question, answer, length, guard)) as steps:
            async for step in steps:
                if isinstance(step, Told):
                    told = step
                else:
                    yield step
        if told is None:
            return
        if not told.sentences and not ask:
            guard = guard.for_another()
            async with aclosing(self._again(wanted, question, answer, length, told, guard)) as steps:
                async for step in steps:
                    if isinstance(step, Told):
                        admitted.outcome.metadata["escalated_from"] = told.model
                        told = _both(told, step)
                    else:
                        yield step
        yield told

    async def _again(
        self, wanted: Wanted, question: str, answer: Answer, length: Length, told: Told, guard: Sanitiser
    ) -> AsyncGenerator[Said | Told]:
        """The same by the best model there is, if it is another one and quick; what cannot be is left at that."""
        wanted = replace(wanted, best=True, but=told.model)
        offer = await InWords(await self._writers.choose(wanted), within=self._within).offer(question, answer)
        if not offer.by_itself:
            return
        ESCALATED.labels("nothing released").inc()
        try:
            async with aclosing(self._written(wanted, question, answer, length, guard)) as steps:
                async for step in steps:
                    yield step
        except (Unavailable, BudgetExhausted):
            return

    async def _written(
        self, wanted: Wanted, question: str, answer: Answer, length: Length, guard: Sanitiser
    ) -> AsyncGenerator[Said | Told]:
        while True:
            writer = await self._writers.choose(wanted)
            in_words = InWords(writer, within=self._within)
            model, tokens = await in_words.reckoned(question, answer, length)
            spent = _Spent(model, await writer.provider())
            try:
                async with self._spent(wanted, spent, tokens) as near:
                    key = str(wanted.principal.id)
                    telling = in_words.tell(question, answer, length=length, key=key, guard=guard)
                    async with aclosing(telling) as steps:  # type: ignore[type-var]
                        async for step in steps:
                            if isinstance(step, Told):
                                spent.model, spent.provider = step.model, await writer.provider()
                                spent.prompt, spent.completion = step.prompt_tokens, step.completion_tokens
                                step.budget = "light" if wanted.light else "near" if near else ""
                            yield step
                return
            except BudgetExhausted as exhausted:
                # The budget of one provider leaves the others; that of the plant or of a person leaves light models a while.
                if exhausted.provider:
                    wanted = replace(wanted, without=wanted.without | {exhausted.provider})
                elif exhausted.light_left and not wanted.best:
                    wanted = replace(wanted, light=True)
                else:
                    raise
                if await (await self._writers.choose(wanted)).name() is None:
                    raise
                ESCALATED.labels("budget").inc()

    @asynccontextmanager
    async def _spent(self, wanted: Wanted, spent: _Spent, tokens: int) -> AsyncGenerator[bool]:
        """Reserve for the block, and settle when it ends, however it ends; whether a budget is nearly used.

        Raises:
            BudgetExhausted: nothing may be written.
        """
        reservation = await self._spending.reserve(
            wanted.principal, model=spent.model, provider=spent.provider, purpose=PURPOSE, tokens=tokens,
            light=wanted.light,
        )  # fmt: skip
        began = time.monotonic()
        try:
            yield reservation.warning is not None
        finally:
            took = (time.monotonic() - began) * 1000
            await uninterrupted(
                self._spending.settle(
                    reservation, model=spent.model, provider=spent.provider, prompt=spent.prompt,
                    completion=spent.completion, ms=took,
                )
            )  # fmt: skip


def _wanted(principal: Principal, question: str, answer: Answer, length: Length, ask: str) -> Wanted:
    return Wanted(
        principal, question, passages=len(answer.grounds), long=length == "long",
        classification=answer.classification, here=answer.is_controlled, ask=ask,
    )  # fmt: skip


def _withheld(admitted: Admitted, names: Sequence[str]) -> None:
    """The record says which models the policy keeps from who asks."""
    admitted.outcome.metadata["models_refused"] = list(names)


def _both(first: Told, second: Told) -> Told:
    """What two models together took, as that of the one that had the last word."""
    return replace(
        second,
        dropped=[*first.dropped, *second.dropped],
        warnings=list(dict.fromkeys((*first.warnings, *second.warnings))),
        violations=tuple(dict.fromkeys((*first.violations, *second.violations))),
        prompt_tokens=first.prompt_tokens + second.prompt_tokens,
        completion_tokens=first.completion_tokens + second.completion_tokens,
        ms=first.ms + second.ms,
        budget="light" if "light" in (first.budget, second.budget) else first.budget or second.budget,
    )
