"""What is kept of a conversation, for whom, and what stands in the record when it goes wrong."""

from __future__ import annotations

import asyncio
import gc
import hashlib
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.chat.api import _answer
from appliance.chat.errors import KioskKeepsNothing, NoSuchAnswer, NoSuchConversation
from appliance.chat.schemas import NewFeedback
from appliance.errors import Unavailable
from appliance.gate import Refused
from appliance.store import AUDIT, Admitted, new_id
from appliance.web import InvalidCursor
from tests.chat.room import Room, everything_in

QUESTION = "Which Zwiebelgrease does the quux bearing take?"
MARKS = (b"zwiebelgrease", b"quux")


async def test_a_question_its_answer_and_the_post_record_are_kept_in_one_go(room: Room) -> None:
    nora = room.person()

    shown = await room.ask(nora, QUESTION)

    asked, answered = await room.messages()
    assert (asked.role, asked.content, asked.author_id) == ("user", QUESTION, nora.id)
    assert (answered.role, answered.content, str(answered.id)) == ("assistant", shown["answer"], shown["message_id"])
    assert str(answered.conversation_id) == shown["conversation_id"]
    pre, post = await room.records()
    assert (pre["event_type"], pre["phase"]) == ("chat.request", "pre")
    assert (post["event_type"], post["phase"], post["result_status"]) == ("chat.response", "post", "success")
    assert post["resource_id"] == shown["message_id"]
    assert pre["request_hash"] == hashlib.sha256(QUESTION.encode()).hexdigest()
    assert await room.left_open() == 0


async def test_nothing_is_kept_or_recorded_as_done_before_the_answer_is(room: Room) -> None:
    steps = room.chat.ask(room.person(), QUESTION)

    name, _ = await anext(steps)

    assert name == "passages"
    assert await room.messages() == []
    assert [record["phase"] for record in await room.records()] == ["pre"]
    assert [step async for step, _ in steps] == ["answer"]
    assert len(await room.messages()) == 2


async def test_an_answer_whose_record_cannot_be_written_is_neither_kept_nor_shown(room: Room) -> None:
    async def full(_session: AsyncSession, _admitted: Admitted) -> None:
        raise Unavailable("The record cannot be written.")

    steps = room.chat.ask(room.person(), QUESTION)
    await anext(steps)
    room.store.post_record = full

    with pytest.raises(Unavailable):
        await anext(steps)

    assert await room.messages() == []
    post = (await room.records())[-1]
    assert (post["phase"], post["result_status"], post["metadata"]["error"]) == ("post", "error", "unavailable")


async def test_a_question_goes_on_in_its_conversation(room: Room) -> None:
    nora = room.person()
    first = await room.ask(nora, "How hot may it get?")
    second = await room.ask(nora, "And how cold?", first["conversation_id"])

    detail = await room.conversations.read(nora, UUID(first["conversation_id"]))

    assert second["conversation_id"] == first["conversation_id"]
    assert [message.role for message in detail.messages] == ["user", "assistant", "user", "assistant"]
    assert detail.messages[2].content == "And how cold?"
    assert detail.title == "How hot may it get?"
    assert detail.messages[3].details["kind"] == second["kind"]


async def test_another_persons_conversation_is_not_there_whatever_is_done_to_it(room: Room) -> None:
    owner, other = room.person(), room.person("Otto Other")
    theirs = UUID((await room.ask(owner, QUESTION))["conversation_id"])
    kept = len(await room.messages())

    for conversation in (theirs, new_id()):
        for attempt in (room.conversations.read(other, conversation), room.conversations.delete(other, conversation)):
            with pytest.raises(NoSuchConversation) as refused:
                await attempt
            assert refused.value.detail == "There is no such conversation of yours."
        with pytest.raises(NoSuchConversation):
            await room.ask(other, QUESTION, str(conversation))

    assert (await room.conversations.recent(other, page_size=10, page_token=None)).items == []
    assert len(await room.messages()) == kept
    assert len((await room.conversations.read(owner, theirs)).messages) == 2
    assert await room.left_open() == 0


async def test_the_question_to_another_persons_conversation_is_refused_before_anything_is_shown(room: Room) -> None:
    theirs = (await room.ask(room.person(), QUESTION))["conversation_id"]

    with pytest.raises(NoSuchConversation):
        await _answer(room.chat.ask(room.person("Otto Other"), QUESTION, UUID(theirs)), stream=True)


async def test_a_deleted_conversation_is_gone_for_its_owner_too(room: Room) -> None:
    nora = room.person()
    conversation = UUID((await room.ask(nora, QUESTION))["conversation_id"])

    await room.conversations.delete(nora, conversation)

    assert (await room.conversations.recent(nora, page_size=10, page_token=None)).items == []
    for attempt in (room.conversations.read(nora, conversation), room.conversations.delete(nora, conversation)):
        with pytest.raises(NoSuchConversation):
            await attempt
    with pytest.raises(NoSuchConversation):
        await room.ask(nora, "And now?", str(conversation))


async def test_a_conversation_deleted_while_it_is_being_answered_keeps_nothing_new(room: Room) -> None:
    nora = room.person()
    conversation = UUID((await room.ask(nora, QUESTION))["conversation_id"])
    steps = room.chat.ask(nora, "And now?", conversation)
    await anext(steps)
    await room.conversations.delete(nora, conversation)

    with pytest.raises(NoSuchConversation):
        await anext(steps)

    assert len(await room.messages()) == 2
    assert await room.left_open() == 0


async def test_what_a_kiosk_asks_is_nowhere_in_the_tenants_database_nor_in_the_record(room: Room) -> None:
    shown = await room.ask(room.kiosk(), QUESTION)

    assert shown["conversation_id"] is None
    (kept,) = await room.messages()
    assert (str(kept.id), kept.content, kept.conversation_id) == (shown["message_id"], "", None)
    for where in (room.tenant.id, AUDIT):
        found = await everything_in(room.store, where)
        assert not any(mark in found for mark in MARKS)
    # The same search does find what a person asked, which is kept for them.
    await room.ask(room.person(), QUESTION)
    found = await everything_in(room.store, room.tenant.id)
    assert all(mark in found for mark in MARKS)


async def test_the_record_of_a_person_holds_no_word_of_the_question_either(room: Room) -> None:
    conversation = (await room.ask(room.person(), QUESTION))["conversation_id"]
    assert conversation

    found = await everything_in(room.store, AUDIT)

    assert not any(mark in found for mark in MARKS)
    assert b"nora" not in found


async def test_a_kiosk_rates_its_own_answer_with_a_thumb_and_no_words(room: Room) -> None:
    kiosk = room.kiosk()
    message_id = UUID((await room.ask(kiosk, QUESTION))["message_id"])

    with pytest.raises(KioskKeepsNothing):
        await room.chat.rate(kiosk, NewFeedback(message_id=message_id, thumbs="down", comment="call Nora, 555-0100"))
    assert await room.feedback() == []
    with pytest.raises(NoSuchAnswer):
        await room.chat.rate(room.kiosk(), NewFeedback(message_id=message_id, thumbs="down"))
    await room.chat.rate(kiosk, NewFeedback(message_id=message_id, thumbs="down"))

    (kept,) = await room.feedback()
    assert (kept.thumbs, kept.comment, kept.author_id) == ("down", None, kiosk.id)


async def test_a_kiosk_opens_and_reads_no_conversation(room: Room) -> None:
    kiosk = room.kiosk()

    with pytest.raises(Refused):
        await room.conversations.start(kiosk, QUESTION)
    with pytest.raises(Refused):
        await room.conversations.recent(kiosk, page_size=10, page_token=None)

    found = await everything_in(room.store, room.tenant.id)
    assert not any(mark in found for mark in MARKS)


async def test_an_empty_conversation_is_not_recorded_as_a_question(room: Room) -> None:
    made = await room.conversations.start(room.person(), "Shift notes")

    pre, post = await room.records()
    assert [(one["event_type"], one["phase"]) for one in (pre, post)] == [("chat.start", "pre"), ("chat.start", "post")]
    assert (post["result_status"], post["resource_id"]) == ("success", str(made.id))


async def test_a_second_thumb_replaces_the_first(room: Room) -> None:
    nora = room.person()
    message_id = UUID((await room.ask(nora, QUESTION))["message_id"])

    await room.chat.rate(nora, NewFeedback(message_id=message_id, thumbs="up", rating=5, comment="Right."))
    await room.chat.rate(nora, NewFeedback(message_id=message_id, thumbs="down"))

    (kept,) = await room.feedback()
    assert (kept.thumbs, kept.rating, kept.comment) == ("down", None, None)


async def test_only_an_answer_that_was_given_to_you_can_be_rated(room: Room) -> None:
    nora, otto = room.person(), room.person("Otto Other")
    answer = UUID((await room.ask(nora, QUESTION))["message_id"])
    question = next(message.id for message in await room.messages() if message.role == "user")

    for who, message_id in ((otto, answer), (nora, question), (nora, new_id())):
        with pytest.raises(NoSuchAnswer):
            await room.chat.rate(who, NewFeedback(message_id=message_id, thumbs="up"))
    assert await room.feedback() == []


async def test_pages_of_conversations_come_newest_first_and_miss_and_repeat_none(room: Room) -> None:
    nora = room.person()
    made = [str((await room.conversations.start(nora, f"Talk {number}")).id) for number in range(7)]
    await room.ask(nora, "Still there?", made[1])

    seen: list[str] = []
    token: str | None = None
    while True:
        page = await room.conversations.recent(nora, page_size=3, page_token=token)
        seen += [str(item.id) for item in page.items]
        token = page.next_page_token
        if token is None:
            break

    assert seen == [made[1], *(one for one in reversed(made) if one != made[1])]


async def test_a_conversation_is_renamed_and_stays_where_it_is_in_the_list(room: Room) -> None:
    nora = room.person()
    older, newer = [await room.conversations.start(nora, title) for title in ("Pump", "Winch")]

    renamed = await room.conversations.rename(nora, older.id, "Pump P-101A")

    listed = await room.conversations.recent(nora, page_size=10, page_token=None)
    assert renamed.title == "Pump P-101A"
    assert [one.title for one in listed.items] == ["Winch", "Pump P-101A"]
    assert [(one["event_type"], one["phase"]) for one in await room.records()][-4:-2] == [
        ("chat.rename", "pre"), ("chat.rename", "post"),
    ]  # fmt: skip
    assert newer.id == listed.items[0].id


async def test_conversations_are_found_by_words_of_their_titles_and_by_nothing_else(room: Room) -> None:
    nora = room.person()
    for title in ("Oil of pump P-101A", "Pump of line 4", "Ölpumpe 100%", "Winch"):
        await room.conversations.start(nora, title)
    await room.conversations.start(room.person("Otto"), "Pump of Otto")

    async def found(words: str) -> list[str]:
        page = await room.conversations.recent(nora, words=words, page_size=10, page_token=None)
        return sorted(one.title for one in page.items)

    assert await found("pump") == ["Oil of pump P-101A", "Pump of line 4", "Ölpumpe 100%"]
    assert await found("PUMP line") == ["Pump of line 4"]
    assert await found("Öl") == ["Ölpumpe 100%"]
    assert await found("%") == ["Ölpumpe 100%"]
    assert await found("_") == []


async def test_what_was_found_is_paged_as_everything_is(room: Room) -> None:
    nora = room.person()
    for number in range(5):
        await room.conversations.start(nora, f"{'Pump' if number % 2 == 0 else 'Winch'} {number}")

    first = await room.conversations.recent(nora, words="pump", page_size=2, page_token=None)
    second = await room.conversations.recent(nora, words="pump", page_size=2, page_token=first.next_page_token)

    assert [one.title for one in [*first.items, *second.items]] == ["Pump 4", "Pump 2", "Pump 0"]
    assert second.next_page_token is None


async def test_a_page_token_of_another_list_is_refused_before_anything_is_recorded(room: Room) -> None:
    token = room.conversations._cursors.encode({"user": "nora"})

    with pytest.raises(InvalidCursor):
        await room.conversations.recent(room.person(), page_size=3, page_token=token)
    assert await room.records() == []


async def test_a_long_conversation_shows_its_newest_messages_in_order(room: Room) -> None:
    nora = room.person()
    conversation = str((await room.conversations.start(nora, "Long")).id)
    for number in range(27):
        await room.ask(nora, f"Question {number}", conversation)

    messages = (await room.conversations.read(nora, UUID(conversation))).messages

    assert len(messages) == 50
    questions = [message.content for message in messages if message.role == "user"]
    assert questions == [f"Question {number}" for number in range(2, 27)]


async def test_questions_asked_at_once_in_one_conversation_are_all_kept_each_before_its_answer(room: Room) -> None:
    nora = room.person()
    conversation = str((await room.conversations.start(nora, "Busy")).id)

    await asyncio.gather(*(room.ask(nora, f"Question {number}", conversation) for number in range(6)))

    messages = (await room.conversations.read(nora, UUID(conversation))).messages
    assert [message.role for message in messages] == ["user", "assistant"] * 6
    assert {message.content for message in messages[::2]} == {f"Question {number}" for number in range(6)}


async def closed_as_cancelled(room: Room) -> None:
    await room.gate.close()
    records = await room.records()
    assert [(record["event_type"], record["phase"]) for record in records] == [
        ("chat.request", "pre"),
        ("chat.response", "post"),
    ]
    assert (records[1]["result_status"], records[1]["metadata"]["error"]) == ("error", "cancelled")
    assert await room.left_open() == 0
    assert await room.messages() == []


async def test_a_reader_who_leaves_after_the_passages_leaves_a_closed_record(room: Room) -> None:
    stream: Any = await _answer(room.chat.ask(room.person(), QUESTION), stream=True)
    events = stream.iterator

    assert (await anext(events)).startswith(b"retry: 3000\nevent: passages\n")
    await events.aclose()

    await closed_as_cancelled(room)


async def test_a_reader_who_leaves_before_the_stream_began_leaves_a_closed_record(room: Room) -> None:
    stream: Any = await _answer(room.chat.ask(room.person(), QUESTION), stream=True)
    await stream.iterator.aclose()
    del stream
    gc.collect()
    # The generator is closed by the loop, in a task of its own.
    for _ in range(200):
        if await room.left_open() == 0:
            break
        await asyncio.sleep(0.01)

    await closed_as_cancelled(room)


async def test_a_question_that_is_cancelled_leaves_a_closed_record(room: Room) -> None:
    steps = room.chat.ask(room.person(), QUESTION)
    await anext(steps)

    async def rest() -> None:
        async for _ in steps:
            pass

    task = asyncio.create_task(rest())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await closed_as_cancelled(room)


@pytest.mark.parametrize(
    "question", ["a\x00b", "\u202e right to left", "ﷺ" * 2000, "🦙" * 4000, "'; DROP TABLE messages; --"]
)
async def test_a_strange_question_is_kept_as_it_was_asked(room: Room, question: str) -> None:
    nora = room.person()

    shown = await room.ask(nora, question)

    detail = await room.conversations.read(nora, UUID(shown["conversation_id"]))
    assert detail.messages[0].content == question
    assert shown["kind"] == "none"


async def test_a_token_that_is_not_for_asking_asks_nothing(room: Room) -> None:
    narrowed = replace(room.person(), scopes=frozenset({"documents.read"}))

    with pytest.raises(Refused):
        await room.ask(narrowed, QUESTION)

    (denied,) = await room.records()
    assert (denied["event_type"], denied["phase"]) == ("policy.denied", "single")
    assert await room.messages() == []


async def test_an_admin_reads_and_deletes_what_others_asked_and_the_record_says_whose_it_was(room: Room) -> None:
    nora, admin = room.person(), room.person("Ada", role="admin")
    conversation = UUID((await room.ask(nora, QUESTION))["conversation_id"])

    listed = (await room.conversations.recent(admin, of=nora.id, page_size=10, page_token=None)).items
    detail = await room.conversations.read(admin, conversation)
    with pytest.raises(NoSuchConversation):
        await room.ask(admin, "And I?", str(conversation))
    await room.conversations.delete(admin, conversation)

    assert [one.id for one in listed] == [conversation]
    assert (detail.owner_id, detail.messages[0].content) == (nora.id, QUESTION)
    assert (await room.conversations.recent(admin, page_size=10, page_token=None)).items == []
    with pytest.raises(NoSuchConversation):
        await room.conversations.read(nora, conversation)
    told = [one["metadata"].get("of") for one in await room.records() if one["phase"] == "post"]
    assert told == [None, str(nora.id), str(nora.id), None, str(nora.id), None, None]


async def test_whoever_is_no_admin_does_not_list_what_others_asked(room: Room) -> None:
    nora = room.person()
    await room.ask(nora, QUESTION)

    for other in (room.person("Otto Other"), room.person("Olga", role="operator")):
        with pytest.raises(Refused):
            await room.conversations.recent(other, of=nora.id, page_size=10, page_token=None)
    assert len((await room.conversations.recent(nora, of=nora.id, page_size=10, page_token=None)).items) == 1
