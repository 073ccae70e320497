"""An answer in words: sentence by sentence, each only after the gate has said that the passages quoted say it.

Nothing is shown and withdrawn. What the gate drops is counted, and why is kept for the record; nobody reads it. Where
nothing is released, the quotes stand alone, as they did before.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from appliance.answers.claims import cited
from appliance.answers.phrasing import MOST_TOKENS, Length, Sentences, fresh, mark, messages
from appliance.answers.sources import Passage
from appliance.answers.worded import Release, released
from appliance.guard.holdback import Holdback
from appliance.guard.sanitising import Sanitiser
from appliance.guard.values import Place, Violation, Warned
from appliance.metrics import SENTENCES

if TYPE_CHECKING:
    from appliance.answers.ports import Writer
    from appliance.answers.values import Answer, Ground

MOST_SENTENCES = 12
LEAST_CHARACTERS = 2
"""Of a token, over a whole prompt: what is reserved is rather too much."""
LEAST_SECONDS, PATIENCE = 20.0, 3.0
"""A model may take so many times as long as was predicted, and never has less than the former."""


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence that may be shown; `passage` counts the grounds from 0, `spans` are what in its text says it."""

    text: str
    passage: int
    spans: tuple[tuple[int, int], ...]


Budgeted = Literal["", "near", "light"]


@dataclass(slots=True)
class Told:
    """How the wording ended. `dropped` are the reasons for what was not shown; `model` wrote it; `warnings` say what the guard did, `violations` the same
    for those who look after the plant. `budget` is `near` where a budget is nearly used up, `light` where it is and a light
    model wrote therefore.
    """

    model: str
    sentences: list[Said] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    ms: float = 0.0
    warnings: list[Warned] = field(default_factory=list)
    violations: tuple[Violation, ...] = ()
    budget: Budgeted = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "text": " ".join(one.text for one in self.sentences),
            "dropped": len(self.dropped),
            "served_by": self.model,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "ms": round(self.ms, 1),
            "warnings": [one.as_json() for one in self.warnings],
            "budget": self.budget,
        }


@dataclass(frozen=True, slots=True)
class Offer:
    """Whether an answer can be put into words, and in how many seconds."""

    available: bool
    seconds: float | None = None
    by_itself: bool = False

    def as_json(self) -> dict[str, Any]:
        seconds = None if self.seconds is None else round(self.seconds, 1)
        return {"available": self.available, "seconds": seconds, "by_itself": self.by_itself}


def can_be_worded(answer: Answer) -> bool:
    """A quote that is doubtful, and a page of steps, are read as they stand."""
    return answer.kind == "quoted" and answer.verdict.kind == "answer" and bool(answer.grounds)


class InWords:
    """Args:
    within: seconds; what takes no longer is worded without being asked for.
    """

    def __init__(self, writer: Writer, *, within: float) -> None:
        self._writer, self._within = writer, within

    async def offer(self, question: str, answer: Answer) -> Offer:
        """What can be offered beside an answer."""
        if not can_be_worded(answer):
            return Offer(False)
        prompt = messages(question, answer.grounds, "short")
        seconds = await self._writer.seconds(fresh(prompt), MOST_TOKENS["short"])
        return Offer(False) if seconds is None else Offer(True, seconds, seconds <= self._within)

    async def reckoned(self, question: str, answer: Answer, length: Length) -> tuple[str, int]:
        """Who would write, and how many tokens prompt and answer take at most."""
        prompt = messages(question, answer.grounds, length)
        characters = sum(len(one["content"]) for one in prompt)
        return await self._writer.name() or "", characters // LEAST_CHARACTERS + MOST_TOKENS[length]

    async def tell(
        self, question: str, answer: Answer, *, length: Length, key: str, guard: Sanitiser | None = None
    ) -> AsyncIterator[Said | Told]:
        """Each sentence as it is released, then how it ended.

        Args:
            answer: one that `can_be_worded`.
            key: whose turn it is, where several wait.
            guard: what the model may read and say; without one, no personal data and no secret.

        Raises:
            Unavailable: nobody can write; sentences released before it stand.
        """
        began = time.monotonic()
        guard = guard or Sanitiser()
        passages = [Passage(ground.text, ground.assets) for ground in answer.grounds]

        def given(text: str) -> str:
            place: Place = "question" if text == question else "passage"
            return guard.given(text, place)

        prompt = messages(question, answer.grounds, length, clean=given, around=mark())
        most = MOST_TOKENS[length]
        reckoned = await self._writer.seconds(fresh(prompt), most) or 0.0
        told = Told(await self._writer.name() or "")
        cutting, holding = Sentences(), Holdback(guard.leaking)
        deltas = self._writer.write(prompt, most_tokens=most, key=key, seconds=max(LEAST_SECONDS, PATIENCE * reckoned))
        async with aclosing(deltas) as coming:  # type: ignore[type-var]
            async for delta in coming:
                complete = cutting.feed(delta.text)
                if delta.finish_reason:
                    told.prompt_tokens, told.completion_tokens = delta.prompt_tokens, delta.completion_tokens
                    complete += cutting.end()
                for sentence in complete:
                    clean = holding.feed(f"{sentence}\n").strip()
                    said = await self._judged(question, answer.grounds, passages, clean, told, guard) if clean else None
                    if said is not None:
                        yield said
                if len(told.sentences) + len(told.dropped) >= MOST_SENTENCES:
                    break
        told.model = await self._writer.name() or told.model
        told.ms, told.warnings = (time.monotonic() - began) * 1000, guard.warnings()
        told.violations = guard.violations()
        yield told

    async def _judged(
        self,
        question: str,
        grounds: Sequence[Ground],
        passages: list[Passage],
        sentence: str,
        told: Told,
        guard: Sanitiser,
    ) -> Said | None:
        release: Release = await asyncio.to_thread(released, question, passages, sentence)
        why = release.why if not release.released or release.passage is None else _beside(release, grounds)
        if why is not None or release.passage is None:
            told.dropped.append(why or release.why)
            SENTENCES.labels("dropped").inc()
            return None
        kept = guard.said(sentence, grounds[release.passage - 1].level)
        if kept is None:
            told.dropped.append("it is not for whoever reads it")
            SENTENCES.labels("guarded").inc()
            return None
        if any(kept == one.text for one in told.sentences):
            return None
        SENTENCES.labels("released").inc()
        text = kept if cited(kept) else f"{kept} [{release.passage}]"
        said = Said(text, release.passage - 1, release.spans)
        told.sentences.append(said)
        return said


def _beside(release: Release, grounds: Sequence[Ground]) -> str | None:
    """Why a true sentence is none of this answer: another line of the passage says it than the one that was quoted."""
    assert release.passage is not None
    ground = grounds[release.passage - 1]
    quoted = [(at, at + len(quote)) for quote in ground.quotes if (at := ground.text.find(quote)) >= 0]
    for start, end in release.spans:
        if not any(start < last and first < end for first, last in quoted):
            return "it is said by another line than the one quoted"
    return None
