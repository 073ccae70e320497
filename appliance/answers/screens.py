"""What the guard lets of a question and its answer reach a model: the plant's rules and the policy pack's, in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.errors import Unprocessable
from appliance.guard.sanitising import Sanitiser
from appliance.guard.values import Injection, Violation, Warned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appliance.answers.values import Answer, Ground
    from appliance.guard.screening import Guard
    from appliance.guard.settings import Settings
    from appliance.policy import Policies
    from appliance.store import Admitted


class NotForAModel(Unprocessable):
    """The question, or a passage that answers it, gives orders to a language model, or holds personal data that none may read."""

    code, title = "not-for-a-model", "This is not given to a language model"
    hint = "Read the quote: it stands as in the document. If the document should not say so, tell whoever owns it."
    violations: tuple[Violation, ...] = ()


class Screens:
    """Asks the guard about what is quoted, and knows what the plant has set."""

    def __init__(self, guard: Guard, settings: Settings, policy: Policies) -> None:
        self._guard, self._settings, self._policy = guard, settings, policy

    async def sanitiser(self, admitted: Admitted, answer: Answer) -> Sanitiser:
        """What stands on both sides of a model for this answer and this reader."""
        found = await self._settings.of(admitted)
        pack, level = self._policy.pack_of(admitted.tenant_id), answer.classification
        rule = found.pii.at(level, pack.sanitised_from, pack.data.at(level))
        return Sanitiser(rule, admitted.principal.clearance, found.own)

    async def against(self, admitted: Admitted, question: str, answer: Answer) -> Warned | None:
        """Why no model may read this; None where one may. Of passages only what was found when they were taken in, which is known
        at once; `must_pass` reads them again.
        """
        return await self._judged(admitted, question, answer, ())

    async def must_pass(self, admitted: Admitted, question: str, answer: Answer) -> None:
        """Raises NotForAModel."""
        warned = await self._judged(admitted, question, answer, answer.grounds)
        if warned is not None:
            refused = NotForAModel(warned.text)
            refused.violations = warned.violations
            raise refused

    async def _judged(self, admitted: Admitted, question: str, answer: Answer, read: Sequence[Ground]) -> Warned | None:
        asked, *found = await self._guard.injections(
            [question, *(f"{one.about}\n{one.text}" for one in read)], admitted.tenant_id
        )
        rules = {name for one in found if one.verdict for name in (*one.rules, *_sure(one.rules))}
        rules |= {name for ground in answer.grounds for name in ground.flags}
        if asked.verdict:
            named = {*asked.rules, *_sure(asked.rules)}
            asks = Violation("injection", "question", "withheld", tuple(sorted(named)), asked.score)
            return self._told(admitted, "The question", 0, named, (asks,))
        if rules:
            flagged = sum(one.verdict for one in found) or sum(bool(one.flags) for one in answer.grounds)
            told = _in_passages(answer, found or [Injection(verdict=False, score=0.0, rules=())] * len(answer.grounds))
            return self._told(admitted, "A passage that answers this", flagged, rules, told)
        noted = _blocked(await self.sanitiser(admitted, answer), question, answer)
        if noted:
            kinds = tuple(sorted({kind for one in noted for kind in one.rules}))
            admitted.outcome.metadata["guard"] = {"personal": list(kinds)}
            return Warned("personal-data", "This holds personal data, which is given to no model here.", kinds, noted)
        return None

    def _told(
        self, admitted: Admitted, whose: str, passages: int, rules: set[str], noted: tuple[Violation, ...]
    ) -> Warned:
        admitted.outcome.metadata["guard"] = {
            "question": passages == 0, "passages": passages, "rules": sorted(rules),
        }  # fmt: skip
        return Warned(
            "injection", f"{whose} gives orders to a language model; none reads it.", tuple(sorted(rules)), noted
        )


def _in_passages(answer: Answer, found: Sequence[Injection]) -> tuple[Violation, ...]:
    """What was found in each ground of an answer, by the document that it stands in."""
    documents = {one.passage_id: one.document_id for one in answer.citations}
    return tuple(
        Violation(
            "injection", "passage", "withheld",
            tuple(sorted({*ground.flags, *(judged.rules or ("classifier",) if judged.verdict else ())})),
            judged.score, documents.get(ground.passage_id),
        )
        for ground, judged in zip(answer.grounds, found, strict=True)
        if ground.flags or judged.verdict
    )  # fmt: skip


def _blocked(guard: Sanitiser, question: str, answer: Answer) -> tuple[Violation, ...]:
    """Personal data for which no model is given this."""
    documents = {one.passage_id: one.document_id for one in answer.citations}
    asked = guard.blocked([question])
    return (
        *([Violation("pii", "question", "blocked", asked)] if asked else []),
        *(
            Violation("pii", "passage", "blocked", kinds, 0.0, documents.get(ground.passage_id))
            for ground in answer.grounds
            if (kinds := guard.blocked([ground.text]))
        ),
    )


def _sure(rules: Sequence[str]) -> tuple[str, ...]:
    """What is named where no rule fired."""
    return () if rules else ("classifier",)
