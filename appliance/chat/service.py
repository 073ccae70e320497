"""Ask, keep, rate.

One question is one admission: its pre-record stands before retrieval begins, and the question, the answer and the
post-record are one transaction. The answer is shown in full only after that; until then a person sees passages, which
are quotes already and need no second word.

What a kiosk asks is not kept. Its answer is, without the question, so that a thumb has something to point at.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from appliance.answers import Answer, Answers, Passages
from appliance.answers.in_words import Offer, Said, can_be_worded
from appliance.answers.phrasing import Length
from appliance.answers.screens import NotForAModel
from appliance.answers.service import SERVED_BY_SEARCH
from appliance.chat import store as queries
from appliance.chat.conversations import must_find, must_remember
from appliance.chat.errors import NoSuchAnswer, NothingToWord
from appliance.chat.intents import Intents, NoModelActs
from appliance.chat.receipt_rules import said_of
from appliance.chat.receipts import Receipts
from appliance.chat.schemas import NewFeedback
from appliance.chat.tables import Conversation, Feedback
from appliance.chat.wording import Wording
from appliance.gate import Gate
from appliance.guard.disclosure import chosen
from appliance.guard.settings import Settings
from appliance.guard.values import Violation
from appliance.guard.violations import Violations
from appliance.metrics import ANSWERS, QUOTE_SECONDS
from appliance.policy import Resource
from appliance.policy.ports import Permits
from appliance.retrieval.disclosure import note_class_three
from appliance.shelf.searching import Searching
from appliance.store import Admitted, Principal, Store, new_id


class Chat:
    """Questions, their answers, and what people thought of them."""

    def __init__(
        self,
        store: Store,
        gate: Gate,
        answers: Answers,
        wording: Wording,
        intents: Intents,
        settings: Settings,
        policy: Permits,
        receipts: Receipts,
        violations: Violations,
        searching: Searching,
    ) -> None:
        self._store = store
        self._gate = gate
        self._answers = answers
        self._wording = wording
        self._intents, self._settings = intents, settings
        self._policy = policy
        self._receipts, self._violations, self._searching = receipts, violations, searching

    async def ask(
        self, principal: Principal, question: str, conversation_id: UUID | None = None, *, languages: str | None = None
    ) -> AsyncGenerator[tuple[str, dict[str, Any]]]:
        """Yield `("passages", …)` as soon as there are some, then `("answer", …)` once it is kept and recorded.

        Args:
            languages: those that the disclosure may be in, as a browser says them (Accept-Language).

        Raises:
            NoSuchConversation, SearchesExhausted: before anything is yielded.
        """
        resource = Resource("conversation", id=None if conversation_id is None else str(conversation_id))
        async with self._gate.admit(principal, "chat.ask", resource=resource, request=question.encode()) as admitted:
            if conversation_id is not None:
                await self._must_write_in(admitted, conversation_id)
            await self._searching.count(principal)
            judged = self._intents.judged(admitted, question)
            shown: dict[str, Any] = {}
            found: tuple[Violation, ...] = ()
            async for step in self._answers.ask(admitted, question):
                match step:
                    case Passages():
                        QUOTE_SECONDS.observe(step.ms / 1000)
                        note_class_three(admitted, step.citations)
                        yield "passages", step.as_json()
                    case Answer():
                        ANSWERS.labels(step.kind).inc()
                        note_class_three(admitted, (*step.citations, *step.nearest, *step.passages))
                        shown = step.as_json()
                        offer, warned = Offer(False), judged.warned
                        if warned is None:
                            offer, warned = await self._wording.offer(admitted, question, step)
                        shown["words"] = offer.as_json()
                        shown["disclosure"] = await self._disclosure(admitted, languages)
                        shown["warnings"] = [] if warned is None else [warned.as_json()]
                        found = () if warned is None else warned.violations
            shown |= await self._keep(admitted, question, shown, conversation_id, found)
        yield "answer", shown

    async def word(
        self,
        principal: Principal,
        question: str,
        *,
        message_id: UUID | None,
        length: Length,
        anew: bool = False,
        ask: str = "",
        languages: str | None = None,
    ) -> AsyncGenerator[tuple[str, dict[str, Any]]]:
        """Put the answer to a question into words: `("sentence", …)` as each is released, then `("worded", …)`.

        The question is answered anew: whoever asks gives no text that a model could be led by, and reads nothing that they
        may not read now. A card that fits is said in place of the chat model, unless it is to be long or `anew`, or a tier
        or a model was named in `ask`.

        Raises:
            NoSuchAnswer: `message_id` is not an answer of theirs.
            NoModelActs: the question asks for what the asker may not have done.
            NothingToWord: the documents hold no answer, or one that is to be read as it stands.
            NoSuchRoute: nobody here writes with the model that was named.
            BudgetExhausted: the plant, or the asker, has used up what may be used.
            Unavailable: nobody can write now.
        """
        resource = Resource("conversation")
        async with (
            self._gate.admit(principal, "chat.ask", resource=resource, request=question.encode()) as admitted,
            self._refusals_noted(admitted, message_id),
        ):
            await self._must_have_given(admitted, message_id)
            self._intents.must_permit(admitted, question)
            answer = None
            async for step in self._answers.ask(admitted, question):
                answer = step if isinstance(step, Answer) else None
            if answer is None or not can_be_worded(answer):
                raise NothingToWord("There is no answer here that could be put into other words.")
            note_class_three(admitted, answer.citations)
            cited = [citation.as_json() for citation in answer.citations]
            by_passage = {citation["passage_id"]: number for number, citation in reversed(list(enumerate(cited)))}
            shown: dict[str, Any] = {}
            found: tuple[Violation, ...] = ()
            telling = self._wording.tell(admitted, question, answer, length=length, anew=anew, ask=ask)
            async with aclosing(telling) as steps:  # type: ignore[type-var]
                async for said in steps:
                    if isinstance(said, Said):
                        yield "sentence", _sentence(said, answer, by_passage)
                    else:
                        shown = said.as_json() | {"citations": cited, "classification": answer.classification}
                        shown["disclosure"] = await self._disclosure(admitted, languages)
                        admitted.outcome.model, found = said.model, said.violations
                        admitted.outcome.metadata |= {
                            "kind": "worded" if said.sentences else "quoted",
                            "classification": answer.classification,
                            "released": len(said.sentences),
                            "dropped": len(said.dropped),
                            "warned": sorted({kind for one in said.warnings for kind in one.kinds}),
                            "tokens": [said.prompt_tokens, said.completion_tokens],
                            "budget": said.budget,
                        }
            await self._keep_words(admitted, message_id, question, shown, found)
        yield "worded", shown

    @asynccontextmanager
    async def _refusals_noted(self, admitted: Admitted, message_id: UUID | None) -> AsyncGenerator[None]:
        """What the guard refuses within the block stands among what it found."""
        try:
            yield
        except (NoModelActs, NotForAModel) as refused:
            await self._violations.keep(admitted, refused.violations, message_id=message_id)
            raise

    async def _must_have_given(self, admitted: Admitted, message_id: UUID | None) -> None:
        if message_id is None:
            return
        async with self._store.open_session(admitted) as session:
            if await queries.own_answer(session, message_id, admitted.principal.id) is None:
                raise NoSuchAnswer("There is no such answer of yours.")

    async def _keep_words(
        self,
        admitted: Admitted,
        message_id: UUID | None,
        question: str,
        shown: dict[str, Any],
        found: Sequence[Violation],
    ) -> None:
        """Beside the quotes of the message; of a kiosk's only what served it, since its text is not kept either."""
        hashes = await self._receipts.provenance(admitted, shown["citations"], shown["served_by"])
        if message_id is None:
            if found:
                async with self._store.open_session(admitted, write=True) as session:
                    await self._violations.note(session, admitted.principal.id, found)
            return
        admitted.outcome.resource_id = str(message_id)
        kept = {name: value for name, value in shown.items() if name not in {"citations", "warnings", "disclosure"}}
        if admitted.principal.kind == "kiosk":
            kept.pop("text")
        async with self._store.open_session(admitted, write=True) as session:
            await self._violations.note(session, admitted.principal.id, found, message_id=message_id)
            message = await queries.own_answer(session, message_id, admitted.principal.id)
            if message is not None:
                message.details = {**message.details, "worded": kept}
                message.warnings = [
                    *message.warnings,
                    *(one for one in shown["warnings"] if one not in message.warnings),
                ]
                if message.conversation_id is not None and shown["text"]:
                    said, now = said_of(question, shown, hashes), dt.datetime.now(dt.UTC)
                    await self._receipts.keep(session, admitted, message_id, "words", said, now)

    async def _disclosure(self, admitted: Admitted, languages: str | None) -> str:
        """What this plant tells of answers, in one of these languages."""
        return chosen((await self._settings.of(admitted)).disclosure, languages)

    async def _must_write_in(self, admitted: Admitted, conversation_id: UUID) -> None:
        async with self._store.open_session(admitted) as session:
            await must_find(session, self._policy, admitted, conversation_id)

    async def _keep(
        self,
        admitted: Admitted,
        question: str,
        shown: dict[str, Any],
        conversation_id: UUID | None,
        found: Sequence[Violation],
    ) -> dict[str, str | None]:
        author, now, answer_id = admitted.principal.id, dt.datetime.now(dt.UTC), new_id()
        outcome = admitted.outcome
        outcome.resource_id, outcome.model = str(answer_id), shown["served_by"]
        outcome.metadata |= {
            "kind": shown["kind"],
            "classification": shown["classification"],
        }
        by_words = shown["served_by"] == SERVED_BY_SEARCH
        hashes = await self._receipts.provenance(admitted, shown["citations"], SERVED_BY_SEARCH if by_words else None)
        remembered = admitted.principal.kind != "kiosk"
        async with self._store.open_session(admitted, write=True) as session:
            conversation = None
            if remembered:
                conversation = await self._thread(session, admitted, question, conversation_id, now)
                await queries.say(
                    session, conversation, author_id=author, role="user", content=question, details={}, now=now, id=new_id()
                )  # fmt: skip
            await queries.say(
                session,
                conversation,
                author_id=author,
                role="assistant",
                content=shown["answer"] if remembered else "",
                details=_details(shown)
                if remembered
                else {"kind": shown["kind"], "sources": outcome.metadata["sources"]},
                warnings=shown["warnings"],
                now=now,
                id=answer_id,
            )
            if remembered:
                said = said_of(question, shown, hashes)
                await self._receipts.keep(session, admitted, answer_id, "quotes", said, now)
            thread = None if conversation is None else conversation.id
            await self._violations.note(session, author, found, conversation_id=thread, message_id=answer_id)
        return {"conversation_id": str(conversation.id) if conversation else None, "message_id": str(answer_id)}

    async def _thread(
        self, session: AsyncSession, admitted: Admitted, question: str, conversation_id: UUID | None, now: dt.datetime
    ) -> Conversation:
        if conversation_id is None:
            started = queries.start(session, admitted.principal.id, question, now)
            await session.flush()
            return started
        return await must_find(session, self._policy, admitted, conversation_id)

    async def rate(self, principal: Principal, given: NewFeedback) -> None:
        """Keep a thumb; a second one from the same person replaces the first.

        Raises:
            NoSuchAnswer: it was given to somebody else, or to nobody.
            KioskKeepsNothing: a comment is free text.
        """
        resource = Resource("message", id=str(given.message_id))
        async with (
            self._gate.admit(principal, "feedback.give", resource=resource) as admitted,
            self._store.open_session(admitted, write=True) as session,
        ):
            must_remember(principal, given.comment)
            if await queries.own_answer(session, given.message_id, principal.id) is None:
                raise NoSuchAnswer("There is no such answer of yours.")
            feedback = await queries.feedback_of(session, given.message_id, principal.id)
            if feedback is None:
                feedback = Feedback(
                    id=new_id(), message_id=given.message_id, author_id=principal.id, created_at=dt.datetime.now(dt.UTC)
                )
                session.add(feedback)
            feedback.thumbs, feedback.rating, feedback.comment = given.thumbs, given.rating, given.comment


def _details(shown: dict[str, Any]) -> dict[str, Any]:
    """What is kept of an answer beside its text and its warnings; the disclosure is the same for all."""
    return {name: value for name, value in shown.items() if name not in {"warnings", "disclosure"}}


def _sentence(said: Said, answer: Answer, by_passage: dict[int, int]) -> dict[str, Any]:
    """A released sentence with what says it, word for word, and the citation that leads there."""
    ground = answer.grounds[said.passage]
    return {
        "text": said.text,
        "citation": by_passage[ground.passage_id],
        "said_by": [ground.text[start:end] for start, end in said.spans],
    }
