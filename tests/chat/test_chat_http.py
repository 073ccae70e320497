"""Chat at a running node, with a manual to quote from: the shapes that the UI and other programs rely on."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from appliance.retrieval.schemas import Query
from appliance.store import AUDIT, open_store
from tests.api.plant import MANUAL, QUESTION, TEXT, TORQUE, Plant, problem_of
from tests.chat.room import everything_in

PROMISED = {"answer", "kind", "citations", "served_by", "grounded", "ms_to_quotes", "ms_total"}
"""What everybody who asks gets: `POST /v1/chat`, the stream's answer, `outpost ask --json`."""
BESIDE = {
    "nearest",
    "passages",
    "verdict",
    "classification",
    "conversation_id",
    "message_id",
    "words",
    "warnings",
    "disclosure",
}
CITED = {"document_id", "filename", "revision", "page", "heading", "quote", "box"}
CITED_BESIDE = {"title", "boxes", "passage_id", "ordinal", "level"}


def events_of(response: httpx.Response) -> list[tuple[str, Any]]:
    """The server-sent events of a finished stream."""
    assert response.headers["content-type"].startswith("text/event-stream")
    found = []
    for frame in response.text.strip().split("\n\n"):
        name, data = frame.removeprefix("retry: 3000\n").split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_an_answer_has_exactly_the_promised_fields(plant: Plant) -> None:
    answer = plant.person("viewer").post("/v1/chat", json={"message": QUESTION}).json()

    assert answer.keys() == PROMISED | BESIDE
    (citation,) = answer["citations"]
    assert citation.keys() == CITED | CITED_BESIDE
    assert (answer["kind"], answer["grounded"]) == ("quoted", True)
    assert (citation["filename"], citation["revision"]) == (MANUAL, "C")
    assert citation["heading"].endswith("Casing")
    assert TORQUE in citation["quote"]
    assert citation["quote"] in TEXT
    assert 0 < answer["ms_to_quotes"] <= answer["ms_total"]


def test_a_question_that_the_documents_do_not_answer_says_so_with_the_same_fields(plant: Plant) -> None:
    answer = plant.person("viewer").post("/v1/chat", json={"message": "Who won the football match yesterday?"}).json()

    assert answer.keys() == PROMISED | BESIDE
    assert (answer["kind"], answer["citations"]) == ("none", [])


def test_a_stream_shows_passages_first_then_the_answer_then_its_end(plant: Plant) -> None:
    viewer = plant.person("viewer")

    found = events_of(viewer.post("/v1/chat", json={"message": QUESTION, "stream": True}))

    assert [name for name, _ in found] == ["passages", "answer", "end"]
    passages, answer = found[0][1], found[1][1]
    assert passages["passages"][0].keys() == CITED | CITED_BESIDE
    assert answer.keys() == PROMISED | BESIDE
    kept = viewer.get(f"/v1/conversations/{answer['conversation_id']}").json()["messages"]
    assert (kept[1]["id"], kept[1]["content"]) == (answer["message_id"], answer["answer"])


def test_a_stream_that_is_refused_is_a_status_and_not_an_event(plant: Plant) -> None:
    body = {"message": QUESTION, "stream": True, "conversation_id": "00000000-0000-0000-0000-000000000000"}

    assert problem_of(plant.person("viewer").post("/v1/chat", json=body))["code"] == "no-such-conversation"


def test_the_path_of_a_conversation_wins_over_its_body(plant: Plant) -> None:
    viewer = plant.person("viewer")
    made = [viewer.post("/v1/conversations", json={"title": name}).raise_for_status().json()["id"] for name in "ab"]

    body = {"message": QUESTION, "conversation_id": made[1]}
    answer = viewer.post(f"/v1/conversations/{made[0]}/chat", json=body).json()

    assert answer["conversation_id"] == made[0]


def test_a_conversation_is_listed_read_and_deleted_by_its_owner_or_an_admin_alone(plant: Plant) -> None:
    viewer, admin = plant.person("viewer"), plant.person("operator")
    conversation = viewer.post("/v1/chat", json={"message": QUESTION}).json()["conversation_id"]

    assert viewer.get("/v1/conversations").json()["items"][0]["id"] == conversation
    assert admin.get(f"/v1/conversations/{conversation}").status_code == 404
    assert admin.delete(f"/v1/conversations/{conversation}").status_code == 404
    assert viewer.delete(f"/v1/conversations/{conversation}").status_code == 204
    assert viewer.get(f"/v1/conversations/{conversation}").status_code == 404
    assert conversation not in viewer.get("/v1/conversations").text


def test_a_thumb_is_taken_once_per_answer_and_only_for_ones_own(plant: Plant) -> None:
    viewer = plant.person("viewer")
    given = {"message_id": viewer.post("/v1/chat", json={"message": QUESTION}).json()["message_id"]}

    for thumbs in ("up", "down"):
        response = viewer.post("/v1/feedback", json=given | {"thumbs": thumbs})
        assert (response.status_code, response.json()) == (201, given | {"thumbs": thumbs})
    assert plant.person("admin").post("/v1/feedback", json=given | {"thumbs": "up"}).status_code == 404
    for wrong in ({"thumbs": "sideways"}, {"thumbs": "up", "rating": 6}, {"thumbs": "up", "comment": "x" * 2001}):
        assert problem_of(viewer.post("/v1/feedback", json=given | wrong))["status"] == 400


async def test_a_kiosk_gets_its_answer_and_leaves_no_word_behind(plant: Plant) -> None:
    question = "What is the tightening torque of P-101A, asks Xanthippe?"
    with closing(plant.kiosk("Line 1")) as kiosk:
        answer = kiosk.post("/v1/chat", json={"message": question}).json()
        assert answer["conversation_id"] is None
        assert answer.keys() == PROMISED | BESIDE
        streamed = events_of(kiosk.post("/v1/chat", json={"message": question, "stream": True}))
        assert [name for name, _ in streamed] == ["passages", "answer", "end"]
        rated = kiosk.post("/v1/feedback", json={"message_id": answer["message_id"], "thumbs": "up"})
        assert rated.status_code == 201
        assert kiosk.get("/v1/conversations").status_code == 403
        assert problem_of(kiosk.post("/v1/conversations", json={"title": question}))["code"] == "policy-denied"

    store = await open_store(plant.node.data)
    try:
        (tenant,) = await store.tenants()
        for where in (tenant.id, AUDIT):
            assert b"xanthippe" not in await everything_in(store, where)
    finally:
        await store.close()
    assert b"xanthippe" not in (plant.node._log.read_bytes()).lower()


def chat_records(plant: Plant, request_hash: str) -> list[dict[str, Any]]:
    """The records of one question or search: its request, and what became of it."""
    page = plant.person("admin").get("/v1/audit", params={"limit": 100}).raise_for_status().json()
    records = [item["record"] for item in page["items"]]
    asked = {one["correlation_id"] for one in records if one["request_hash"] == request_hash}
    return [one for one in reversed(records) if one["correlation_id"] in asked]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def recipe(plant: Plant) -> Iterator[str]:
    """The id of a document of class III, which an admin finds and an operator does not."""
    admin = plant.person("admin")
    upload = {"file": ("recipe.md", b"# Recipe\n\nThe syrup of brand Oleander holds 11 parts of clove.\n")}
    sent = admin.post("/v1/documents/upload", files=upload, data={"classification": "CONFIDENTIAL"}).raise_for_status()
    recipe: str = sent.json()["document_id"]
    wait_for(lambda: admin.get(f"/v1/documents/{recipe}").json()["status"] == "ready")
    yield recipe
    admin.delete(f"/v1/documents/{recipe}").raise_for_status()


def test_the_record_of_a_question_names_each_class_three_document_that_was_shown(plant: Plant, recipe: str) -> None:
    """Quoted from or not: here nothing answers, and the passage is one of the nearest."""
    for asker, shown in ((plant.person("admin"), [recipe]), (plant.person("operator"), None)):
        question = f"Which brand of syrup is called Oleander, and who sells it to {shown}?"
        answer = asker.post("/v1/chat", json={"message": question}).json()
        assert (recipe in str(answer)) == (shown is not None)
        *_, response = chat_records(plant, hashlib.sha256(question.encode()).hexdigest())
        assert response["metadata"].get("class_three") == shown


def test_the_record_of_a_search_names_each_class_three_document_that_was_shown(plant: Plant, recipe: str) -> None:
    for asker, shown in ((plant.person("admin"), [recipe]), (plant.person("operator"), None)):
        query = Query(query=f"syrup of brand Oleander for {shown}")
        found = asker.post("/v1/search", json=query.model_dump()).raise_for_status().json()
        assert (recipe in str(found)) == (shown is not None)
        *_, response = chat_records(plant, hashlib.sha256(query.model_dump_json().encode()).hexdigest())
        assert (response["event_type"], response["phase"]) == ("search.query", "post")
        assert response["metadata"].get("class_three") == shown


async def test_the_record_of_a_question_holds_its_hash_and_not_its_words(plant: Plant) -> None:
    question = "Does Mnemosyne know the tightening torque of P-101A?"
    answer = plant.person("viewer").post("/v1/chat", json={"message": question}).json()

    request, response = chat_records(plant, hashlib.sha256(question.encode()).hexdigest())

    assert (request["event_type"], request["phase"]) == ("chat.request", "pre")
    assert (response["event_type"], response["result_status"]) == ("chat.response", "success")
    assert response["resource_id"] == answer["message_id"]
    assert response["metadata"]["kind"] == answer["kind"]
    sources = response["metadata"]["sources"]
    assert [one[:2] for one in sources] == [[one["document_id"], one["revision"]] for one in answer["citations"]]
    assert all(len(one[2]) == 64 for one in sources)
    assert response["request_hash"] == request["request_hash"]
    assert set(response["metadata"]["packages"]) == {"minilm-embed", "minilm-read"} or sources == []
    assert response["model"] == answer["served_by"]
    assert request["personal"] == {"username": "viewer"}
    # Neither in the stored bytes nor in what the personal fields hold when they are opened.
    store = await open_store(plant.node.data)
    try:
        assert b"mnemosyne" not in await everything_in(store, AUDIT)
    finally:
        await store.close()
    assert "mnemosyne" not in plant.person("admin").get("/v1/audit", params={"limit": 100}).text.lower()
    assert b"mnemosyne" not in plant.node._log.read_bytes().lower()


@pytest.mark.parametrize("after", [b"", b"event: passages"], ids=["before the answer", "after the passages"])
def test_a_client_that_hangs_up_leaves_a_closed_record(plant: Plant, after: bytes) -> None:
    question = f"What is the torque of P-101A, hung up {len(after)}?"
    request_hash = hashlib.sha256(question.encode()).hexdigest()
    body = json.dumps({"message": question, "stream": True}).encode()
    token = plant.person("viewer").headers["authorization"]
    head = f"POST /v1/chat HTTP/1.1\r\nhost: node\r\nauthorization: {token}\r\ncontent-length: {len(body)}\r\n"
    with socket.create_connection(("127.0.0.1", plant.node.port), timeout=20) as connection:
        connection.sendall(head.encode() + b"content-type: application/json\r\n\r\n" + body)
        received = b""
        while after not in received:
            received += connection.recv(4096)
        # Who hangs up before the node has read the request has asked nothing.
        wait_for(lambda: bool(chat_records(plant, request_hash)))

    wait_for(lambda: [one["phase"] for one in chat_records(plant, request_hash)] == ["pre", "post"])
    post = chat_records(plant, request_hash)[1]
    # Whether the node noticed in time is chance; that it says which is not.
    assert (post["result_status"], post["metadata"].get("error")) in {("error", "cancelled"), ("success", None)}
    assert plant.person("viewer").post("/v1/chat", json={"message": QUESTION}).status_code == 200


def test_without_its_models_the_node_still_quotes_and_the_models_come_back(plant: Plant) -> None:
    viewer, killed = plant.person("viewer"), plant.node.pids()["models"]

    os.kill(killed, signal.SIGKILL)
    answer = viewer.post("/v1/chat", json={"message": QUESTION}).raise_for_status().json()

    assert answer.keys() == PROMISED | BESIDE
    assert TORQUE in json.dumps(answer)
    wait_for(lambda: viewer.get("/health/ready").json()["status"] == "healthy")
    assert plant.node.pids()["models"] != killed
    assert viewer.post("/v1/chat", json={"message": QUESTION}).json()["served_by"] != answer["served_by"]
