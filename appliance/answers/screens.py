"""What the guard lets of a question and its answer reach a model: the plant's rules and the policy pack's, in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.errors import Unprocessable
from appliance.guard.sanitising import Sanitiser
from appliance.guard.values import Warned

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


class Screens:
    """Asks the guard about what is quoted, and knows what the plant has set."""

    def __init__(self, guard: Guard, settings: Settings, policy: Policies) -> None:
        self._guard, self._settings, self._policy = guard, settings, policy

    async def sanitiser(self, admitted: Admitted, answer: Answer) -> Sanitiser:
        """What stands on both sides of a model for this answer and this reader."""
        found = await self._settings.of(admitted)
        rule = found.pii.at(answer.classification, self._policy.pack_of(admitted.tenant_id).sanitised_from)
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
            raise NotForAModel(warned.text)

    async def _judged(self, admitted: Admitted, question: str, answer: Answer, read: Sequence[Ground]) -> Warned | None:
        asked, *found = await self._guard.injections([question, *(f"{one.about}\n{one.text}" for one in read)])
        rules = {name for one in found if one.verdict for name in (*one.rules, *_sure(one.rules))}
        rules |= {name for ground in answer.grounds for name in ground.flags}
        if asked.verdict:
            return self._told(admitted, "The question", 0, {*asked.rules, *_sure(asked.rules)})
        if rules:
            flagged = sum(one.verdict for one in found) or sum(bool(one.flags) for one in answer.grounds)
            return self._told(admitted, "A passage that answers this", flagged, rules)
        kinds = (await self.sanitiser(admitted, answer)).blocked([question, *(one.text for one in answer.grounds)])
        if kinds:
            admitted.outcome.metadata["guard"] = {"personal": list(kinds)}
            return Warned("personal-data", "This holds personal data, which is given to no model here.", kinds)
        return None

    def _told(self, admitted: Admitted, whose: str, passages: int, rules: set[str]) -> Warned:
        admitted.outcome.metadata["guard"] = {
            "question": passages == 0, "passages": passages, "rules": sorted(rules),
        }  # fmt: skip
        return Warned("injection", f"{whose} gives orders to a language model; none reads it.", tuple(sorted(rules)))


def _sure(rules: Sequence[str]) -> tuple[str, ...]:
    """What is named where no rule fired."""
    return () if rules else ("classifier",)
