"""The receipt of an answer: what is in it, who gets it, and that the single file of the auditor verifies it."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select

from appliance.audit.errors import RecordUnavailable
from appliance.audit.recovery import recover
from appliance.chat import store as queries
from appliance.chat.receipt_rules import FORMAT, Kept, commitment
from appliance.chat.receipts import NoReceipt
from appliance.chat.tables import Said
from appliance.errors import NotFound
from appliance.gate import Refused
from appliance.store import Purpose, new_id
from tests.api.plant import Plant
from tests.audit.test_export import checked
from tests.chat.room import Room
from tests.chat.test_withholding import QUESTION, put_in


async def test_an_answer_has_a_receipt_that_verifies_without_us(any_room: Room, tmp_path: Path) -> None:
    nora = any_room.person()
    shown = await any_room.ask(nora, "How hot may the Zelkova get?")
    await any_room.ask(any_room.person("Otto Other"), "And how cold?")

    found = await any_room.receipts.give(nora, UUID(shown["message_id"]))

    path = tmp_path / found.name
    path.write_text(found.receipt)
    status, told = await checked(path)
    assert status == 0, told
    assert "question     How hot may the Zelkova get?" in told
    assert f"answer       {shown['answer']}" in told
    assert f"sha256 {found.sha256}" in told
    assert "The answer is as it was given and recorded" in told
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    # Neither name nor anybody else's question is in it.
    assert "Nora" not in found.receipt
    assert "cold" not in found.receipt


async def test_the_record_holds_a_commitment_and_not_the_answer(any_room: Room) -> None:
    nora = any_room.person()
    shown = await any_room.ask(nora, "How hot may the Zelkova get?")

    (part,) = json.loads((await any_room.receipts.give(nora, UUID(shown["message_id"]))).receipt)["parts"]

    record = json.loads(part["record"])
    assert record["metadata"]["said"] == commitment(bytes.fromhex(part["salt"]), part["said"])
    assert record["request_hash"] == hashlib.sha256(b"How hot may the Zelkova get?").hexdigest()
    assert record["pack_version"]
    assert "Zelkova" not in part["record"]


async def test_the_same_answer_twice_has_two_commitments(any_room: Room) -> None:
    for _ in range(2):
        await any_room.ask(any_room.person(), "How hot?")

    said = [record["metadata"]["said"] for record in await any_room.records() if record["phase"] == "post"]

    assert len(set(said)) == 2


async def test_a_receipt_is_for_whoever_got_the_answer_and_for_nobody_else(any_room: Room) -> None:
    nora, kiosk = any_room.person(), any_room.kiosk()
    shown = await any_room.ask(nora, "How hot?")
    at_kiosk = await any_room.ask(kiosk, "How hot?")
    question = next(one for one in await any_room.messages() if one.role == "user")

    for who, message in (
        (any_room.person("Otto Other"), shown["message_id"]),
        (nora, at_kiosk["message_id"]),
        (nora, str(question.id)),
        (nora, str(new_id())),
    ):
        with pytest.raises(NoReceipt) as refused:
            await any_room.receipts.give(who, UUID(message))
        assert refused.value.detail == "There is no receipt of that answer."
    with pytest.raises(Refused):
        await any_room.receipts.give(kiosk, UUID(at_kiosk["message_id"]))


async def test_a_deleted_conversation_and_erased_words_leave_no_receipt(any_room: Room) -> None:
    nora = any_room.person()
    kept, deleted = await any_room.ask(nora, "How hot?"), await any_room.ask(nora, "How cold?")
    await any_room.conversations.delete(nora, UUID(deleted["conversation_id"]))
    with pytest.raises(NotFound):
        await any_room.receipts.give(nora, UUID(deleted["message_id"]))

    async with any_room.store.open_internal(Purpose.SEED, any_room.tenant.id, write=True) as session:
        await session.execute(delete(Said).where(Said.message_id == UUID(kept["message_id"])))
    with pytest.raises(NotFound):
        await any_room.receipts.give(nora, UUID(kept["message_id"]))


async def test_words_of_one_answer_that_are_kept_at_once_leave_those_of_one_of_them(any_room: Room) -> None:
    shown = await any_room.ask(any_room.person(), "How hot?")
    message, now = UUID(shown["message_id"]), dt.datetime.now(dt.UTC)

    async def one(number: int) -> None:
        kept = Kept("words", new_id(), bytes([number]) * 32, f"words {number}")
        async with any_room.store.open_internal(Purpose.SEED, any_room.tenant.id, write=True) as session:
            await queries.keep_said(session, message, kept, now)
            await asyncio.sleep(0.01)

    await asyncio.gather(*(one(number) for number in range(6)))

    async with any_room.store.open_internal(Purpose.VERIFY, any_room.tenant.id) as session:
        quotes, words = sorted(await queries.said(session, message), key=lambda kept: kept.part)
    assert quotes.part == "quotes"
    assert words.said == f"words {words.salt[0]}"


async def test_giving_a_receipt_is_recorded_with_its_hash(any_room: Room) -> None:
    nora = any_room.person()
    shown = await any_room.ask(nora, "How hot?")

    found = await any_room.receipts.give(nora, UUID(shown["message_id"]))

    post = (await any_room.records())[-1]
    assert (post["event_type"], post["phase"], post["resource_id"]) == ("chat.receipt", "post", shown["message_id"])
    assert post["metadata"]["receipt"] == found.sha256


async def test_an_answer_cut_off_before_its_record_was_in_the_log_has_a_receipt_once_it_is(
    any_room: Room, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The power fails between the commit and the relay: the start after it brings the record into the log."""
    nora, recorder = any_room.person(), any_room.gate._recorder

    async def cut(*_: object) -> None:
        raise RecordUnavailable("The power failed.")

    with monkeypatch.context() as broken:
        broken.setattr(recorder.outbox, "deliver", cut)
        with pytest.raises(RecordUnavailable):
            await any_room.ask(nora, "How hot?")
    message = next(one for one in await any_room.messages() if one.role == "assistant")
    with pytest.raises(NoReceipt, match="not in the log yet"):
        await any_room.receipts.give(nora, message.id)

    await recover(any_room.store, recorder)

    found = await any_room.receipts.give(nora, message.id)
    (tmp_path / found.name).write_text(found.receipt)
    assert (await checked(tmp_path / found.name))[0] == 0


async def test_nothing_is_kept_of_an_answer_that_was_not_given(any_room: Room) -> None:
    steps = any_room.chat.ask(any_room.person(), "How hot?")
    await anext(steps)
    await steps.aclose()

    async with any_room.store.open_internal(Purpose.VERIFY, any_room.tenant.id) as session:
        assert (await session.scalars(select(Said))).all() == []


def receipt_of(client: Any, message: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/v1/messages/{message}/receipt").raise_for_status().json()
    return found


async def test_a_receipt_names_the_documents_the_models_and_the_policy(plant: Plant, tmp_path: Path) -> None:
    admin, operator = plant.person("admin"), plant.person("operator")
    document = put_in(admin, "receipt")
    asked = operator.post("/v1/chat", json={"message": QUESTION}).raise_for_status().json()

    found = receipt_of(operator, asked["message_id"])

    receipt = json.loads(found["receipt"])
    (part,) = receipt["parts"]
    said, record = json.loads(part["said"]), json.loads(part["record"])
    content = b"# Winch receipt\n\nThe spindle of winch Zelkova has 17 turns, says receipt.\n"
    quote = next(one for one in said["quotes"] if one["document_id"] == document)
    assert receipt["format"] == FORMAT
    assert quote["sha256"] == hashlib.sha256(content).hexdigest()
    assert [document, quote["revision"], quote["sha256"]] in record["metadata"]["sources"]
    assert set(record["metadata"]["packages"]) == {"minilm-embed", "minilm-read"}
    assert all(len(sha) == 64 for sha in record["metadata"]["packages"].values())
    path = tmp_path / found["name"]
    path.write_text(found["receipt"])
    status, told = await checked(path)
    assert status == 0, told
    assert "17 turns" in told
    assert "minilm-read, sha256 " in told
    admin.delete(f"/v1/documents/{document}").raise_for_status()


@pytest.mark.parametrize("loss", ["its class is raised", "it is removed"])
def test_a_receipt_is_withheld_once_a_source_is_no_longer_open(plant: Plant, loss: str) -> None:
    admin, operator = plant.person("admin"), plant.person("operator")
    document = put_in(admin, "lifted" if "class" in loss else "lost")
    asked = operator.post("/v1/chat", json={"message": QUESTION}).raise_for_status().json()
    receipt_of(operator, asked["message_id"])

    if "class" in loss:
        change = admin.put(f"/v1/documents/{document}/classification", json={"classification": "CONFIDENTIAL"})
    else:
        change = admin.delete(f"/v1/documents/{document}")
    change.raise_for_status()

    refused = operator.get(f"/v1/messages/{asked['message_id']}/receipt")
    assert (refused.status_code, refused.json()["code"]) == (403, "answer-withheld")
    assert "17 turns" not in refused.text
    if "class" in loss:
        admin.delete(f"/v1/documents/{document}").raise_for_status()


async def test_its_code_is_a_drawing_and_no_script(any_room: Room) -> None:
    nora = any_room.person()
    found = await any_room.receipts.give(nora, UUID((await any_room.ask(nora, "How hot?"))["message_id"]))

    drawing = ET.fromstring(found.qr)  # ours
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert {child.tag.rpartition("}")[2] for child in drawing.iter()} <= {"svg", "path", "g"}


async def test_who_is_no_longer_in_the_team_has_no_receipt_of_what_they_asked_there(any_room: Room) -> None:
    team = new_id()
    mara = any_room.person("Mara", teams=frozenset({(str(team), "member")}))
    talk = await any_room.conversations.start(mara, "Shift", team)
    shown = await any_room.ask(mara, "How hot?", str(talk.id))
    assert await any_room.receipts.give(mara, UUID(shown["message_id"]))

    with pytest.raises(NoReceipt):
        await any_room.receipts.give(replace(mara, teams=frozenset()), UUID(shown["message_id"]))
