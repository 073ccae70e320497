"""Cards: made of what the gate releases, shown only below the very quotes they were made from."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from appliance.cards.nights import Nights, night
from appliance.chat.intents import Intents
from appliance.chat.service import Chat
from appliance.chat.wording import Wording
from appliance.guard.settings import Settings
from appliance.guard.violations import Violations
from appliance.jobs import Cancelled, Retry
from appliance.jobs import store as jobs
from appliance.shelf.searching import Searching
from appliance.shelf.spending import Spending
from appliance.store import Purpose
from tests.answers.writers import Only
from tests.audit.test_export import checked
from tests.cards.plant import CASING, POLICY, SAID, TABLE, Plant, RowWriter, manual
from tests.chat.conftest import receipts_of
from tests.retrieval.library import facts


async def test_a_card_is_made_and_fits_the_same_question_however_it_is_typed(plant: Plant) -> None:
    await plant.put(manual())

    made = await plant.building(RowWriter())(plant.job())

    rows = await plant.rows()
    assert made == {"cards": len(rows)}
    assert SAID in [row.text for row in rows]
    for typed in (CASING, "what is the torque of the casing bolts of p-101a"):
        card, told = await plant.fitting(typed)
        assert card is not None
        assert (card.text, card.revision, card.model, told) == (SAID, "4", "tiny", SAID)


async def test_a_lie_makes_no_card_and_is_not_asked_for_again(plant: Plant) -> None:
    await plant.put(manual())
    liar = RowWriter(lies=True)

    await plant.building(liar)(plant.job())
    asked = len(liar.asked)
    await plant.building(liar)(plant.job())

    assert await plant.rows() == []
    assert asked == len(liar.asked) > 0
    assert (await plant.fitting(CASING)) == (None, None)


async def test_another_model_gets_the_questions_that_the_last_one_had_no_words_for(plant: Plant) -> None:
    await plant.put(manual())
    await plant.building(RowWriter(lies=True))(plant.job())

    await plant.building(RowWriter(model="better"))(plant.job())

    card, _ = await plant.fitting(CASING)
    assert card is not None
    assert card.model == "better"


async def test_a_new_revision_ends_its_cards_at_once_and_the_next_night_removes_them(plant: Plant) -> None:
    old = await plant.put(manual("4"))
    await plant.building(RowWriter())(plant.job())
    async with plant.library.writing() as session:
        await plant.library.index.remove(session, old.id)
    await plant.put(manual("5"))

    assert await plant.fitting(CASING) == (None, None)
    assert await plant.cards.listed(plant.person()) == []
    await plant.building(RowWriter())(plant.job())

    assert {row.revision for row in await plant.rows()} == {"5"}
    card, _ = await plant.fitting(CASING)
    assert card is not None
    assert card.revision == "5"


async def test_a_changed_value_under_the_same_revision_ends_its_card(plant: Plant) -> None:
    document = manual()
    await plant.put(document)
    await plant.building(RowWriter())(plant.job())

    changed = "Table 5: Tightening torques\nJoint: Casing bolts | Thread: M12 | Torque: 49 Nm"
    await plant.put(document, changed)

    assert await plant.fitting(CASING) == (None, None)


async def test_who_may_not_read_the_passage_gets_no_card_of_it(plant: Plant) -> None:
    await plant.put(manual(level=2))
    await plant.building(RowWriter())(plant.job())

    assert (await plant.fitting(CASING))[0] is not None
    assert await plant.fitting(CASING, clearance=1) == (None, None)
    assert await plant.cards.listed(plant.person(clearance=1)) == []
    assert await plant.cards.listed(plant.person()) != []


async def test_a_card_goes_when_any_passage_that_it_stands_on_becomes_one_for_few(plant: Plant) -> None:
    """The question is of the bulletin, the words are of the manual: who may not read that is not told what it says."""
    first = await plant.put(manual())
    await plant.put(facts("bulletin.md", title="Bulletin", assets=["P-101A"], level=2), TABLE)
    await plant.building(RowWriter())(plant.job())
    borrowed = {row.id for row in await plant.rows() if row.document_id != first.id and len(row.stands_on) > 1}
    assert borrowed & {card.id for card in await plant.cards.listed(plant.person())}

    async with plant.library.writing() as session:
        await plant.library.index.update(session, dataclasses.replace(first, level=3, acl=("user:nobody",)))
    assert borrowed.isdisjoint(card.id for card in await plant.cards.listed(plant.person()))

    await plant.building(RowWriter())(plant.job())
    assert borrowed.isdisjoint(row.id for row in await plant.rows())


async def test_documents_for_named_people_make_no_cards(plant: Plant) -> None:
    await plant.put(manual(level=3))
    writer = RowWriter()

    assert await plant.building(writer)(plant.job()) == {"cards": 0}
    assert writer.asked == []


@pytest.mark.parametrize(
    "question",
    ["What is the torque of the impeller nut of P-101A?", "What is the torque of the casing bolts of P-101B?"],
)
async def test_a_card_says_nothing_to_a_question_about_something_else(plant: Plant, question: str) -> None:
    await plant.put(manual())
    await plant.building(RowWriter())(plant.job())

    card, told = await plant.fitting(question)

    assert card is None or "47" not in (told or "")


async def test_a_card_that_was_altered_in_the_file_is_not_shown(plant: Plant) -> None:
    await plant.put(manual())
    await plant.building(RowWriter())(plant.job())
    async with plant.store.open_internal(Purpose.SEED, plant.tenant.id, write=True) as session:
        for row in await plant.rows():
            (await session.merge(row)).text = row.text.replace("47", "74")

    card, told = await plant.fitting(CASING)

    assert card is not None
    assert "74" in card.text
    assert told is None


async def test_a_slice_that_is_over_lets_other_work_go_first_and_loses_nothing(plant: Plant) -> None:
    await plant.put(manual())

    with pytest.raises(Retry, match="other work goes first"):
        await plant.building(RowWriter(), slice_seconds=0)(plant.job())

    assert await plant.building(RowWriter())(plant.job()) == {"cards": len(await plant.rows())}


async def test_a_writer_that_is_down_is_waited_for_and_nothing_is_written_off(plant: Plant) -> None:
    await plant.put(manual())

    with pytest.raises(Retry, match="tiny is down"):
        await plant.building(RowWriter(down=True))(plant.job())
    await plant.building(RowWriter())(plant.job())

    assert (await plant.fitting(CASING))[0] is not None


async def test_a_cancelled_job_stops(plant: Plant) -> None:
    await plant.put(manual())

    with pytest.raises(Cancelled):
        await plant.building(RowWriter())(plant.job(cancelled=True))

    assert await plant.rows() == []


async def test_without_a_model_and_after_the_night_nothing_is_asked(plant: Plant) -> None:
    await plant.put(manual())
    late = RowWriter()

    skipped = await plant.building(RowWriter(model=None))(plant.job())
    ended = await plant.building(late)(plant.job(until=dt.datetime(2020, 1, 1, tzinfo=dt.UTC)))

    assert "skipped" in skipped
    assert (ended, late.asked) == ({"cards": 0}, [])


@pytest.mark.parametrize(("hour", "is_night"), [(0, False), (1, True), (5, True), (6, False), (13, False)])
def test_the_night_is_from_one_to_six(hour: int, is_night: bool) -> None:
    ends = night(dt.datetime(2026, 3, 1, hour, 30, tzinfo=dt.UTC))

    assert (ends is not None) == is_night
    assert ends is None or ends.hour == 6


async def test_a_night_makes_one_job_and_none_without_a_model(plant: Plant) -> None:
    async def queued(can_write: bool) -> int:
        async def writes() -> bool:
            return can_write

        clock = dt.datetime(2026, 3, 1, 2, tzinfo=dt.UTC)
        for _ in range(2):
            nights = Nights(plant.store, plant.gate, writes, clock=lambda: clock)
            await nights.look()
            await nights.look()
        async with plant.store.open_internal(Purpose.VERIFY, plant.tenant.id) as session:
            found = await jobs.recent(session, owner_id=None, state=None, limit=10, before=None)
        return sum(job.kind == "cards" for job in found)

    assert await queued(False) == 0
    assert await queued(True) == 1


def chat_of(plant: Plant, writer: RowWriter) -> Chat:
    return Chat(
        plant.store,
        plant.gate,
        plant.answers,
        Wording(Only(writer), plant.cards, Spending(plant.store), plant.screens, within=8),
        Intents(POLICY),
        Settings(plant.store),
        POLICY,
        receipts_of(plant.store, plant.gate, plant.search, plant.recorder),
        Violations(plant.store),
        Searching(plant.store),
    )


async def test_with_the_chat_model_gone_a_card_is_offered_at_once_and_said(plant: Plant) -> None:
    await plant.put(manual())
    await plant.building(RowWriter())(plant.job())
    gone = RowWriter(model=None, down=True)
    chat, person = chat_of(plant, gone), plant.person()

    (*_, (_, answer)) = [step async for step in chat.ask(person, CASING)]
    given = UUID(answer["message_id"])
    words = [step async for step in chat.word(person, CASING, message_id=given, length="short")]

    assert answer["words"] == {"available": True, "seconds": 0.0, "by_itself": True}
    assert [name for name, _ in words] == ["sentence", "worded"]
    sentence, worded = words[0][1], words[1][1]
    assert (sentence["text"], sentence["citation"]) == (SAID, 0)
    assert sentence["said_by"] == ["Joint: Casing bolts | Thread: M12 | Torque: 47 Nm"]
    assert (worded["text"], worded["served_by"], worded["completion_tokens"]) == (SAID, "card by tiny", 0)
    assert gone.asked == []


async def test_the_receipt_of_an_answer_in_words_holds_the_quotes_and_the_words(plant: Plant, tmp_path: Path) -> None:
    await plant.put(manual())
    chat, person = chat_of(plant, RowWriter(model="better")), plant.person()
    (*_, (_, answer)) = [step async for step in chat.ask(person, CASING)]
    given = UUID(answer["message_id"])
    receipts = receipts_of(plant.store, plant.gate, plant.search, plant.recorder)
    before = await receipts.give(person, given)
    for _ in range(2):  # said again, the words that were said last count
        words = [step async for step in chat.word(person, CASING, message_id=given, length="long")]

    found = await receipts.give(person, given)

    assert len(json.loads(before.receipt)["parts"]) == 1
    quotes, worded = (json.loads(part["said"]) for part in json.loads(found.receipt)["parts"])
    assert (quotes["kind"], quotes["answer"]) == ("quoted", answer["answer"])
    assert (worded["kind"], worded["answer"], worded["served_by"]) == ("worded", words[-1][1]["text"], "better")
    path = tmp_path / found.name
    path.write_text(found.receipt)
    status, told = await checked(path)
    assert status == 0, told
    assert "served by    better" in told


@pytest.mark.parametrize("wanted", [{"length": "long"}, {"length": "short", "anew": True}], ids=["longer", "again"])
async def test_who_asks_for_more_or_for_other_words_gets_them_from_the_model(
    plant: Plant, wanted: dict[str, Any]
) -> None:
    await plant.put(manual())
    await plant.building(RowWriter())(plant.job())
    writer = RowWriter(model="better")

    words = [step async for step in chat_of(plant, writer).word(plant.person(), CASING, message_id=None, **wanted)]

    assert words[-1][1]["served_by"] == "better"
    assert writer.asked == [CASING]


async def test_cards_are_written_from_the_budget_of_the_plant(plant: Plant) -> None:
    await plant.put(manual())
    await plant.set_budget(tokens=10)
    writer = RowWriter()

    with pytest.raises(Retry, match="tokens a day"):
        await plant.building(writer)(plant.job())

    assert writer.asked == []
