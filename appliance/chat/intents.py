"""What a question asks for, and whether the asker may have a model or a tool act on it. What is quoted never depends on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from appliance.errors import Forbidden
from appliance.guard.intent import FREE, Intent, intent_of
from appliance.guard.values import Violation, Warned
from appliance.policy import Resource

if TYPE_CHECKING:
    from appliance.policy import Policies
    from appliance.store import Admitted


class NoModelActs(Forbidden):
    """The question asks for what no policy permits the asker: the quotes stand, no model words them, no tool acts."""

    code, title = "no-model-acts", "No model and no tool acts on this"
    hint = "Read the quotes: they stand as in the documents."
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """An intent, and why no model may act on it; None where one may."""

    intent: Intent
    warned: Warned | None = None


class Intents:
    """Asks the policy in force."""

    def __init__(self, policy: Policies) -> None:
        self._policy = policy

    def judged(self, admitted: Admitted, question: str) -> Judged:
        """The intent stands in the record where it is one that needs a permission."""
        pack = self._policy.pack_of(admitted.tenant_id)
        intent = intent_of(question, pack.guard.phrases)
        if intent in FREE:
            return Judged(intent)
        decision = self._policy.decide(admitted.principal, f"intent.{intent.value.lower()}", Resource("conversation"))
        admitted.outcome.metadata["intent"] = [intent.value, "permitted" if decision.allowed else "refused"]
        if decision.allowed:
            return Judged(intent)
        told = pack.intents.get(intent.value, pack.refusal)
        noted = Violation("intent", "question", "withheld", (intent.value,))
        return Judged(intent, Warned("intent", told, (intent.value,), (noted,)))

    def must_permit(self, admitted: Admitted, question: str) -> None:
        """Raises NoModelActs."""
        judged = self.judged(admitted, question)
        if judged.warned is not None:
            refused = NoModelActs(judged.warned.text, intent=judged.intent.value)
            refused.violations = judged.warned.violations
            raise refused
