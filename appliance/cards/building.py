"""The job that makes cards: questions from passages, answered as for anybody, put into words, judged, kept.

```
claimed ─> passages in force ─> a question not put yet ─> quotes ─> words ─> gate ─┐
   ^                                   ^                                          │
   └── a slice is over: back in the queue, so that documents go first <── one transaction
```

Killed anywhere, a slice is lost and nothing else: what has been kept is not asked again.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from appliance.answers import Answer
from appliance.answers.in_words import InWords, Told, can_be_worded
from appliance.answers.screens import NotForAModel
from appliance.cards import rules
from appliance.cards import store as queries
from appliance.cards.service import CARDS, utc_now
from appliance.cards.tables import CardRow
from appliance.documents.settling import library_worker
from appliance.errors import Unavailable
from appliance.jobs import Cancelled, Handler, Retry, RunningJob
from appliance.policy import Resource
from appliance.routing.values import Wanted
from appliance.shelf.spending import BudgetExhausted
from appliance.store import Admitted, Store, new_id
from appliance.store.finishing import uninterrupted

if TYPE_CHECKING:
    from appliance.answers import Answers
    from appliance.answers.ports import ChosenWriter, Writers
    from appliance.answers.screens import Screens
    from appliance.gate import Gate
    from appliance.guard.values import Violation
    from appliance.guard.violations import Violations
    from appliance.retrieval.service import Search
    from appliance.retrieval.values import Hit
    from appliance.shelf.spending import Spending

SLICE_SECONDS: Final = 20.0
"""After this the job goes back into the queue; a document that was uploaded meanwhile is read in first."""
WAIT_SECONDS: Final = 60.0
"""How long a writer that is down is left alone."""
NOBODY: Final = "No chat model can put anything into words now."


@dataclass
class _Slice:
    """What one run has done, and why it stopped before all was done."""

    made: list[CardRow] = field(default_factory=list)
    noted: list[Violation] = field(default_factory=list)
    dropped: int = 0
    over: bool = False
    down: str | None = None
    cancelled: bool = False

    @property
    def stopped(self) -> bool:
        return self.over or self.cancelled or self.down is not None


class Building:
    """Call it as the handler of `cards`."""

    def __init__(
        self,
        store: Store,
        gate: Gate,
        search: Search,
        answers: Answers,
        writers: Writers,
        spending: Spending,
        screens: Screens,
        violations: Violations,
        *,
        clock: Callable[[], dt.datetime] = utc_now,
        slice_seconds: float = SLICE_SECONDS,
    ) -> None:
        self._store, self._gate, self._search, self._answers = store, gate, search, answers
        self._writers, self._spending, self._screens = writers, spending, screens
        self._violations = violations
        self._clock, self._slice_seconds = clock, slice_seconds

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {CARDS: self}

    async def __call__(self, job: RunningJob) -> Mapping[str, Any]:
        """One slice. Raises Retry while there is more to do, or the writer is down; Cancelled when it was."""
        # The worker reads what an operator may: class III names its readers, and this is none of them.
        principal = library_worker(job.tenant_id)
        # There is time at night: the best model writes.
        writer = await self._writers.choose(Wanted(principal, "", classification=principal.clearance, best=True))
        model = await writer.name()
        late = self._clock() >= dt.datetime.fromisoformat(job.payload["until"])
        done = _Slice()
        async with self._gate.admit(principal, "chat.ask", Resource("conversation")) as admitted:
            if model is not None and not late:
                await self._work(admitted, job, writer, model, done)
            stale = await self._stale(admitted)
            admitted.outcome.model = model
            admitted.outcome.metadata |= {
                "kind": CARDS,
                "asked": len(done.made),
                "released": sum(bool(row.text) for row in done.made),
                "dropped": done.dropped,
                "stale": len(stale),
            }
            async with self._store.open_session(admitted, write=True) as session:
                await queries.drop(session, stale)
                await queries.drop_tries(session, [(row.passage_id, row.question_key) for row in done.made])
                session.add_all(done.made)
                await self._violations.note(session, principal.id, done.noted)
                await session.flush()
                cards = await queries.counted(session)
        if done.cancelled:
            raise Cancelled
        if done.down is not None:
            raise Retry(done.down, seconds=WAIT_SECONDS)
        if done.over:
            raise Retry(f"{cards} cards; other work goes first", seconds=0.2)
        return {"cards": cards} if model is not None else {"cards": cards, "skipped": NOBODY}

    async def _work(self, admitted: Admitted, job: RunningJob, writer: ChosenWriter, model: str, done: _Slice) -> None:
        ends = time.monotonic() + self._slice_seconds
        async with self._store.open_session(admitted) as session:
            tried = await queries.tried(session, model)
        async for share, hit, question in self._open_questions(admitted, tried):
            try:
                await job.progress(share, "putting answers into words")
            except Cancelled:
                done.cancelled = True
            done.over = time.monotonic() >= ends
            if not done.stopped:
                await self._one(admitted, writer, model, hit, question, done)
            if done.stopped:
                return

    async def _open_questions(
        self, admitted: Admitted, tried: set[tuple[int, str]]
    ) -> AsyncIterator[tuple[float, Hit, str]]:
        """Questions of all passages in force that have not been put yet, with how far through the library they stand."""
        documents = await self._search.documents(admitted)
        for at, document_id in enumerate(documents):
            for hit in await self._search.whole(admitted, document_id):
                for question in rules.variants(hit.document, hit.passage):
                    if (hit.id, rules.question_key(question)) not in tried:
                        yield at / len(documents), hit, question

    async def _one(
        self, admitted: Admitted, writer: ChosenWriter, model: str, hit: Hit, question: str, done: _Slice
    ) -> None:
        answer: Answer | None = None
        async for step in self._answers.ask(admitted, question):
            answer = step if isinstance(step, Answer) else None
        text, bound, stands_on = "", None, [hit.id]
        if answer is not None and can_be_worded(answer):
            bound = rules.bound_to(answer)
            stands_on = list(dict.fromkeys([hit.id, *(ground.passage_id for ground in answer.grounds)]))
            try:
                await self._screens.must_pass(admitted, question, answer)
                told = await self._told(admitted, writer, question, answer)
            except NotForAModel as refused:
                told = Told(model)
                done.noted += refused.violations
            except (Unavailable, BudgetExhausted) as problem:
                done.down = problem.detail
                return
            text = " ".join(one.text for one in told.sentences)
            done.dropped += len(told.dropped)
            done.noted += told.violations
        document = hit.document
        done.made.append(
            CardRow(
                id=new_id(), passage_id=hit.id, document_id=document.id, revision=document.revision, question=question,
                question_key=rules.question_key(question), bound=bound, stands_on=stands_on, text=text, model=model,
                made_at=self._clock(),
            )
        )  # fmt: skip

    async def _told(self, admitted: Admitted, writer: ChosenWriter, question: str, answer: Answer) -> Told:
        """The answer in words, counted against the plant's budget. Raises Unavailable, BudgetExhausted."""
        in_words = InWords(writer, within=0)
        model, tokens = await in_words.reckoned(question, answer, "short")
        reserved = await self._spending.reserve(
            admitted.principal, model=model, provider=await writer.provider(), purpose=CARDS, tokens=tokens
        )
        told = Told(model)
        guard = await self._screens.sanitiser(admitted, answer)
        try:
            async for step in in_words.tell(question, answer, length="short", key=CARDS, guard=guard):
                if isinstance(step, Told):
                    told = step
        finally:
            await uninterrupted(
                self._spending.settle(
                    reserved,
                    model=told.model,
                    provider=await writer.provider(),
                    prompt=told.prompt_tokens,
                    completion=told.completion_tokens,
                    ms=told.ms,
                )
            )
        return told

    async def _stale(self, admitted: Admitted) -> list[UUID]:
        """Cards that stand on a passage that is no longer there, no longer in force, or no longer to be read."""
        async with self._store.open_session(admitted) as session:
            known = await queries.stood_on(session)
        readable = await self._search.readable(admitted, list(frozenset().union(*known.values())))
        return [card_id for card_id, behind in known.items() if not behind or not readable.issuperset(behind)]
