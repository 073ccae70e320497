"""Requests that are sent again, as a client sees them."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.plant import QUESTION, TENANT, Plant, problem_of
from tests.node import RunningNode, listed, with_own_password


def key() -> dict[str, str]:
    return {"idempotency-key": str(uuid.uuid4())}


def titled(client: httpx.Client, title: str) -> list[Any]:
    found, token = [], None
    while True:
        query = {"page_size": 100} | ({"page_token": token} if token else {})
        page = client.get("/v1/conversations", params=query).raise_for_status().json()
        found += [one for one in page["items"] if one["title"] == title]
        token = page["next_page_token"]
        if not token:
            return found


def test_the_same_request_is_worked_on_once_and_answered_alike(plant: Plant) -> None:
    viewer, headers, title = plant.person("viewer"), key(), uuid.uuid4().hex
    first, second = [viewer.post("/v1/conversations", json={"title": title}, headers=headers) for _ in range(2)]

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["content-type"] == first.headers["content-type"]
    assert len(titled(viewer, title)) == 1


def test_a_team_is_made_once_and_shown_again(plant: Plant) -> None:
    admin, headers, body = plant.person("admin"), key(), {"name": f"Shift {uuid.uuid4().hex[:8]}"}
    first, second = [admin.post("/v1/teams", json=body, headers=headers) for _ in range(2)]

    assert (first.status_code, second.status_code) == (201, 201)
    assert (second.content, second.headers["idempotency-replayed"]) == (first.content, "true")


def test_an_approval_is_asked_for_once_and_shown_again(plant: Plant) -> None:
    document = plant.put(f"{uuid.uuid4().hex[:8]}.md", "# Hose\n\nThe hose is H-78.\n", classification="INTERNAL")
    operator, headers = plant.person("operator"), key()
    body = {"kind": "declassify", "purpose": "It is on the notice board.", "classification": "PUBLIC"}
    path = f"/v1/documents/{document}/approvals"
    first, second = [operator.post(path, json=body, headers=headers) for _ in range(2)]

    assert (first.status_code, second.status_code) == (201, 201)
    assert (second.content, second.headers["idempotency-replayed"]) == (first.content, "true")


def test_a_question_is_asked_once_also_as_a_stream(plant: Plant) -> None:
    viewer = plant.person("viewer")
    for body in ({"message": QUESTION}, {"message": QUESTION, "stream": True}):
        headers = key()
        first, second = [viewer.post("/v1/chat", json=body, headers=headers) for _ in range(2)]
        assert first.content == second.content
        assert second.headers["idempotency-replayed"] == "true"


def test_the_same_key_for_something_else_is_refused(plant: Plant) -> None:
    viewer, headers = plant.person("viewer"), key()
    viewer.post("/v1/conversations", json={"title": "one"}, headers=headers).raise_for_status()
    body = viewer.post("/v1/conversations", json={"title": "two"}, headers=headers)
    path = viewer.post("/v1/chat", json={"message": QUESTION}, headers=headers)

    for refused in (body, path):
        assert (refused.status_code, problem_of(refused)["code"]) == (409, "idempotency-key-reused")


def test_what_was_refused_may_be_corrected_under_the_same_key(plant: Plant) -> None:
    viewer, headers = plant.person("viewer"), key()

    assert viewer.post("/v1/conversations", json={"title": 7}, headers=headers).status_code == 400
    assert viewer.post("/v1/conversations", json={"title": "seven"}, headers=headers).status_code == 201


@pytest.mark.parametrize("bad", ["", "a b", "x" * 256])
def test_a_key_that_cannot_be_one_is_refused(plant: Plant, bad: str) -> None:
    refused = plant.person("viewer").post("/v1/conversations", json={"title": "x"}, headers={"idempotency-key": bad})

    assert (refused.status_code, problem_of(refused)["code"]) == (400, "invalid-idempotency-key")


def test_a_form_sent_again_by_another_client_is_the_same_upload(plant: Plant) -> None:
    operator, headers, name = plant.person("operator"), key(), f"{uuid.uuid4().hex}.md"

    def upload(text: str) -> httpx.Response:
        return operator.post("/v1/documents/upload", files={"file": (name, text.encode())}, headers=headers)

    first, second = upload("# Hose\n\nIt is red.\n"), upload("# Hose\n\nIt is red.\n")
    assert first.status_code == second.status_code == 202
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["location"] == first.headers["location"]
    assert upload("# Hose\n\nIt is blue.\n").status_code == 409
    assert len([one for one in listed(operator) if one["filename"] == name]) == 1


def test_a_password_shown_once_is_not_shown_twice_and_nobody_is_made_twice(plant: Plant) -> None:
    admin, headers, name = plant.person("admin"), key(), f"u{uuid.uuid4().hex[:12]}"
    new = {"username": name, "display_name": "Uma", "role": "viewer"}
    first = admin.post("/v1/admin/users", json=new, headers=headers)
    second = admin.post("/v1/admin/users", json=new, headers=headers)

    assert first.status_code == 201
    problem = problem_of(second)
    assert (second.status_code, problem["code"]) == (409, "idempotency-answer-not-kept")
    assert problem["resource_id"] == first.json()["id"]
    assert first.json()["password"] not in second.text


def test_many_at_once_make_one(plant: Plant) -> None:
    viewer, title = plant.person("viewer"), uuid.uuid4().hex
    headers = key() | {"authorization": viewer.headers["authorization"]}

    def create(_: int) -> httpx.Response:
        url = f"{plant.node.url}/v1/conversations"
        return httpx.post(url, json={"title": title}, headers=headers, timeout=60)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(create, range(8)))

    made = [answer for answer in answers if answer.status_code == 201]
    assert made
    assert len({answer.content for answer in made}) == 1
    for waiting in (answer for answer in answers if answer.status_code == 409):
        assert problem_of(waiting)["code"] == "idempotency-still-running"
        assert int(waiting.headers["retry-after"]) >= 1
    assert len(titled(viewer, title)) == 1


def test_an_answer_is_not_given_again_to_who_has_lost_the_right(plant: Plant) -> None:
    admin, name = plant.person("admin"), f"o{uuid.uuid4().hex[:12]}"
    new = {"username": name, "display_name": "Oda", "role": "operator", "password": "a password of hers"}
    person = admin.post("/v1/admin/users", json=new).raise_for_status().json()["id"]
    with plant.stranger() as oda:

        def sign_in() -> None:
            login = {"tenant": TENANT, "username": name, "password": new["password"]}
            oda.headers["authorization"] = f"Bearer {with_own_password(oda, **login)[1]}"

        sign_in()
        headers, files = key(), {"file": ("odas.md", b"# Oda\n\nHers.\n")}
        assert oda.post("/v1/documents/upload", files=files, headers=headers).status_code == 202
        admin.patch(f"/v1/admin/users/{person}", json={"role": "viewer"}).raise_for_status()
        sign_in()
        refused = oda.post("/v1/documents/upload", files=files, headers=headers)

    assert (refused.status_code, problem_of(refused)["code"]) == (403, "policy-denied")


def test_a_replay_is_recorded(plant: Plant) -> None:
    viewer, headers = plant.person("viewer"), key()
    for _ in range(2):
        viewer.post("/v1/conversations", json={"title": "recorded"}, headers=headers).raise_for_status()
    records = viewer.get("/v1/audit", params={"page_size": 4}).raise_for_status().json()["items"]

    assert any("replayed" in json.dumps(record) for record in records)


def test_a_killed_node_makes_nothing_twice_and_loses_no_key(tmp_path: Path) -> None:
    """Eight kills at a random moment of a request; the same key is sent until there is an answer."""
    chance = random.Random(12)
    with RunningNode(tmp_path / "node", demo=False) as node, node.sign_in("viewer", TENANT) as viewer:
        codes: list[str] = []
        for number in range(8):
            title, headers = f"kill {number}", key()
            web = node.pids()["web"]
            striking = threading.Timer(chance.uniform(0.0, 0.03), os.kill, (web, signal.SIGKILL))
            striking.start()
            answer = None
            while answer is None or answer.status_code in {503, 502}:
                try:
                    answer = viewer.post("/v1/conversations", json={"title": title}, headers=headers)
                    if answer.status_code == 409 and answer.json()["code"] == "idempotency-still-running":
                        answer = None
                except httpx.TransportError:
                    striking.join()
                    node.wait_for(lambda old=web: node.pids().get("web") not in {None, old}, "a web", seconds=30)
                    node.wait_until_ready()
            striking.join()
            node.wait_for(lambda old=web: node.pids().get("web") not in {None, old}, "a web", seconds=30)
            node.wait_until_ready()
            codes.append("made" if answer.status_code == 201 else answer.json()["code"])
            again = viewer.post("/v1/conversations", json={"title": title}, headers=headers)
            assert again.status_code == answer.status_code
            assert len(titled(viewer, title)) == 1, codes

    assert set(codes) <= {"made", "idempotency-answer-not-kept"}
