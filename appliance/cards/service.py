"""Find the card that fits an answer, list cards, have them made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog

from appliance.answers.in_words import InWords, Said, Told, can_be_worded
from appliance.cards import rules
from appliance.cards import store as queries
from appliance.cards.telling import CardWriter
from appliance.jobs import JobId, Waker, enqueue
from appliance.policy import Resource
from models.client import ModelRefused, ModelUnavailable

if TYPE_CHECKING:
    from appliance.answers import Answer
    from appliance.answers.ports import QuoteReader
    from appliance.cards.tables import CardRow
    from appliance.gate import Gate
    from appliance.guard.sanitising import Sanitiser
    from appliance.retrieval.service import Search
    from appliance.store import Admitted, Principal, Store

CARDS: Final = "cards"
"""The job that makes them."""
HOURS: Final = 5
"""How long one making may go on."""
FITTING: Final = 24
LISTED: Final = 200

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Card:
    """What could be said to `question`, from a passage of this document and revision."""

    id: UUID
    question: str
    text: str
    document_id: UUID
    revision: str | None
    model: str
    made_at: dt.datetime


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Cards:
    """Args:
    search: says whether a passage is in force and may be read.
    reader: compares questions; while it is down, only the very same question finds a card.
    """

    def __init__(
        self,
        store: Store,
        gate: Gate,
        search: Search,
        reader: QuoteReader,
        waker: Waker,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._store, self._gate, self._search, self._reader = store, gate, search, reader
        self._waker, self._clock = waker, clock

    async def fitting(self, admitted: Admitted, question: str, answer: Answer) -> Card | None:
        """The card made from exactly what `answer` quotes to this person, for this question or one that asks the same."""
        if not can_be_worded(answer):
            return None
        async with self._store.open_session(admitted) as session:
            found = await queries.bound_to(session, rules.bound_to(answer), limit=FITTING)
            cards = [_card(row) for row in found]
        key = rules.question_key(question)
        for card in cards:
            if rules.question_key(card.question) == key:
                return card
        near = [card for card in cards if rules.same_things(card.question, question)]
        return await self._nearest(question, near) if near else None

    async def _nearest(self, question: str, cards: list[Card]) -> Card | None:
        try:
            vectors = await self._reader.embed([question, *(card.question for card in cards)])
        except (ModelUnavailable, ModelRefused):
            log.warning("cards for the very same question only: the model server cannot be reached")
            return None
        cosines = [float(row @ vectors[0]) for row in vectors[1:]]
        best = max(range(len(cards)), key=cosines.__getitem__)
        return cards[best] if cosines[best] >= rules.NEAR else None

    async def told(
        self, card: Card, question: str, answer: Answer, guard: Sanitiser | None = None
    ) -> list[Said | Told] | None:
        """What the card says, as `InWords.tell` yields it; None where the gate would not release all of it now."""
        speaking = InWords(CardWriter(card.text, card.model), within=0)
        steps = [step async for step in speaking.tell(question, answer, length="long", key=CARDS, guard=guard)]
        end = steps[-1]
        return steps if isinstance(end, Told) and end.sentences and not end.dropped else None

    async def listed(self, principal: Principal) -> list[Card]:
        """Cards whose passages are all in force and open to this person, newest first, at most 200."""
        async with self._gate.admit(principal, "documents.list", Resource("document")) as admitted:
            async with self._store.open_session(admitted) as session:
                rows = await queries.with_words(session, limit=LISTED)
                made = [(frozenset(row.stands_on), _card(row)) for row in rows]
            readable = await self._search.readable(admitted, list(frozenset().union(*(behind for behind, _ in made))))
        return [card for behind, card in made if behind and behind <= readable]

    async def make(self, principal: Principal) -> JobId:
        """Have cards made from what is in force now; what is there already stays."""
        until = self._clock() + dt.timedelta(hours=HOURS)
        async with (
            self._gate.admit(principal, "jobs.create", Resource("job")) as admitted,
            self._store.open_session(admitted, write=True) as session,
        ):
            job = await enqueue(session, kind=CARDS, payload={"until": until.isoformat()}, owner=principal)
            admitted.outcome.resource_id = str(job)
        self._waker.wake()
        return job


def _card(row: CardRow) -> Card:
    return Card(row.id, row.question, row.text, row.document_id, row.revision, row.model, row.made_at)
