"""A small library with real store, gate, record, policy and index; a writer that reads its prompt, and one that lies."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from appliance.answers import Answer, Answers
from appliance.answers.screens import Screens
from appliance.audit import Recorder
from appliance.cards import Building, Cards
from appliance.cards import store as queries
from appliance.cards.service import Card
from appliance.cards.tables import CardRow
from appliance.documents.values import DocumentFacts
from appliance.errors import Unavailable
from appliance.gate import Gate
from appliance.guard.screening import Guard
from appliance.guard.settings import Settings
from appliance.guard.violations import Violations
from appliance.jobs import Cancelled
from appliance.jobs.values import JobId, RunningJob
from appliance.policy import PolicyEngine, Resource
from appliance.shelf.spending import Spending
from appliance.store import Principal, Purpose, Store, Tenant, new_id
from models.chat_client import ChatDelta
from tests.answers.writers import NoClassifier, Only
from tests.retrieval.library import Library, facts, text_passage

TABLE = (
    "Table 5: Tightening torques\n"
    "Joint: Casing bolts | Thread: M12 | Torque: 47 Nm\n"
    "Joint: Impeller nut | Thread: M16 | Torque: 70 Nm"
)
CASING = "What is the torque of the casing bolts of P-101A?"
SAID = "The torque of the casing bolts of P-101A is 47 Nm [1]."
POLICY = PolicyEngine()
UNTIL = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


def manual(revision: str = "4", *, level: int = 1, in_force: bool = True) -> DocumentFacts:
    return facts(
        "manual.md", title="Manual", assets=["P-101A"], revision=revision, level=level, in_force=in_force
    )  # fmt: skip


@dataclass
class RowWriter:
    """Says the cell that the question asks for, as it finds it in its prompt; a liar says the neighbour's value."""

    lies: bool = False
    model: str | None = "tiny"
    asked: list[str] = field(default_factory=list)
    down: bool = False

    async def name(self) -> str | None:
        return self.model

    async def provider(self) -> str:
        return "local"

    async def seconds(self, characters: int, most_tokens: int) -> float | None:
        return 100.0 if self.model else None

    async def write(
        self, messages: Sequence[Mapping[str, str]], *, most_tokens: int, key: str, seconds: float
    ) -> AsyncIterator[ChatDelta]:
        if self.down:
            raise Unavailable("tiny is down.")
        told, _, question = messages[1]["content"].rpartition("Question: ")
        self.asked.append(question.split("\n")[0])
        wanted = re.match(r"What is the (\w+) of the ([\w ]+) of P-101A\?", question)
        sentence = "Not in these documents."
        if wanted:
            column, label = wanted.groups()
            rows = [line for line in told.split("\n") if " | " in line]
            lines = [line for line in rows if (label.lower() in line.lower()) != self.lies]
            cells = dict(cell.split(": ", 1) for cell in lines[0].split(" | "))
            sentence = f"The {column} of the {label} of P-101A is {cells[column.capitalize()]} [1]."
        yield ChatDelta(sentence)
        yield ChatDelta("", "stop", 100, 12)


@dataclass
class Plant:
    store: Store
    tenant: Tenant
    gate: Gate
    library: Library
    answers: Answers
    cards: Cards
    search: Any
    recorder: Recorder

    @property
    def screens(self) -> Screens:
        return Screens(Guard(NoClassifier()), Settings(self.store), POLICY)

    def person(self, *, clearance: int = 2) -> Principal:
        return Principal(new_id(), "person", self.tenant.id, "Nora", "operator", clearance, session_id=new_id())

    def building(self, writer: RowWriter, **about: Any) -> Building:
        return Building(
            self.store, self.gate, self.search, self.answers, Only(writer), Spending(self.store), self.screens,
            Violations(self.store), **about,
        )  # fmt: skip

    async def put(self, document: DocumentFacts, text: str = TABLE) -> DocumentFacts:
        return await self.library.put(document, text_passage(text, kind="table", heading="Torques"))

    def job(self, *, until: dt.datetime = UNTIL, cancelled: bool = False) -> RunningJob:
        async def report(_share: float, _word: str) -> None:
            if cancelled:
                raise Cancelled

        payload = {"until": until.isoformat()}
        return RunningJob(JobId(new_id()), self.tenant.id, "cards", payload, 1, new_id(), report)

    async def set_budget(self, *, tokens: int) -> None:
        """What the whole plant may take in a day."""
        admin = Principal(new_id(), "person", self.tenant.id, "Ada", "admin", 3, session_id=new_id())
        async with self.gate.admit(admin, "models.manage", Resource("model")) as admitted:
            await Spending(self.store).set_budget(admitted, person_id=None, period="day", limit=tokens, hard=True)

    async def rows(self) -> list[CardRow]:
        async with self.store.open_internal(Purpose.VERIFY, self.tenant.id) as session:
            return await queries.with_words(session, limit=100)

    async def fitting(self, question: str, *, clearance: int = 2) -> tuple[Card | None, str | None]:
        """The card for a question of a person with this clearance, and what it says to them."""
        person = self.person(clearance=clearance)
        async with self.gate.admit(person, "chat.ask", Resource("conversation")) as admitted:
            answer = [step async for step in self.answers.ask(admitted, question)][-1]
            assert isinstance(answer, Answer)
            card = await self.cards.fitting(admitted, question, answer)
            told = None if card is None else await self.cards.told(card, question, answer)
        return card, None if told is None else " ".join(getattr(step, "text", "") for step in told).strip()
