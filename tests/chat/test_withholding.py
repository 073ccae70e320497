"""What of an old answer may still be read: rights are those of today."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.chat.tables import Message
from appliance.chat.withholding import WITHHELD, seen, sources_of
from appliance.store import new_id
from tests.api.plant import Plant
from tests.chat.test_chat_http import wait_for

QUESTION = "How many turns has the spindle of winch Zelkova?"


def message(details: dict[str, Any]) -> Message:
    return Message(
        id=new_id(),
        author_id=new_id(),
        role="assistant",
        content="17 turns",
        details=details,
        warnings=[],
        created_at=dt.datetime.now(dt.UTC),
    )


def put_in(admin: httpx.Client, word: str) -> str:
    said = f"# Winch {word}\n\nThe spindle of winch Zelkova has 17 turns, says {word}.\n".encode()
    sent = admin.post("/v1/documents/upload", files={"file": (f"{word}.md", said)}).raise_for_status()
    document: str = sent.json()["document_id"]
    wait_for(lambda: admin.get(f"/v1/documents/{document}").json()["status"] == "ready")
    return document


def read_back(who: httpx.Client, conversation: str) -> dict[str, Any]:
    said: dict[str, Any] = who.get(f"/v1/conversations/{conversation}").raise_for_status().json()
    return said


@pytest.mark.parametrize("loss", ["its class is raised", "it is removed"])
def test_an_old_answer_is_withheld_once_a_source_of_it_is_no_longer_open(plant: Plant, loss: str) -> None:
    admin, operator = plant.person("admin"), plant.person("operator")
    document = put_in(admin, "raised" if "class" in loss else "removed")
    asked = operator.post("/v1/chat", json={"message": QUESTION}).raise_for_status().json()
    conversation = asked["conversation_id"]
    assert "17 turns" in asked["answer"]
    question, answer = read_back(operator, conversation)["messages"]
    assert (answer["content"], answer["details"]["kind"]) == (asked["answer"], asked["kind"])

    if "class" in loss:
        raised = admin.put(f"/v1/documents/{document}/classification", json={"classification": "CONFIDENTIAL"})
        raised.raise_for_status()
    else:
        admin.delete(f"/v1/documents/{document}").raise_for_status()

    question, answer = read_back(operator, conversation)["messages"]
    assert question["content"] == QUESTION
    assert (answer["content"], answer["details"]) == (WITHHELD, {"kind": "withheld"})
    assert "Zelkova has" not in str(answer)
    if "class" in loss:
        admin.delete(f"/v1/documents/{document}").raise_for_status()


def test_who_reads_an_answer_out_of_class_three_again_is_recorded_with_the_document(plant: Plant) -> None:
    admin = plant.person("admin")
    document = put_in(admin, "third")
    asked = admin.post("/v1/chat", json={"message": QUESTION}).raise_for_status().json()
    admin.put(f"/v1/documents/{document}/classification", json={"classification": "CONFIDENTIAL"}).raise_for_status()

    assert "17 turns" in read_back(admin, asked["conversation_id"])["messages"][1]["content"]
    page = admin.get("/v1/audit", params={"limit": 20, "event_type": "chat.read"}).raise_for_status().json()
    named = [item["record"]["metadata"].get("class_three") for item in page["items"]]
    assert [document] in named
    admin.delete(f"/v1/documents/{document}").raise_for_status()


JSON = st.recursive(
    st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


@given(st.lists(st.uuids(), max_size=4), JSON)
def test_a_source_is_found_however_deep_it_is_named(ids: list[UUID], rest: Any) -> None:
    details: dict[str, Any] = {"rest": rest, "deep": [{"citations": [{"document_id": str(one)}]} for one in ids]}
    assert sources_of(message(details)) == frozenset(ids)


def test_an_answer_without_sources_is_never_withheld() -> None:
    assert sources_of(message({"kind": "none"})) == frozenset()
    assert seen(message({"kind": "none"}), withheld=False).content == "17 turns"
