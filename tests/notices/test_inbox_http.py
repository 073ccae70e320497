"""Notices over HTTP: each hears of their own, live; nobody else's are seen, marked or counted."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.api.plant import MANUAL, TENANT, Plant, problem_of, shared_plant

NOTICES = "/v1/notifications"
HIDDEN = "The code of the gate is 4711."


@pytest.fixture(scope="session")
def whole_plant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return shared_plant(request.config, tmp_path_factory.mktemp("plant"))


@pytest.fixture
def asked(whole_plant: Plant) -> Iterator[str]:
    """The id of a request that an admin is to decide."""
    document = whole_plant.put(f"gate-{uuid4()}.md", f"# Gate\n\n{HIDDEN} {uuid4()}\n", classification="2")
    wanted = {"kind": "declassify", "classification": "PUBLIC", "purpose": "For the visitors."}
    made = whole_plant.person("operator").post(f"/v1/documents/{document}/approvals", json=wanted)
    assert made.status_code == 201, made.text
    yield made.json()["id"]


def of(client: httpx.Client, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(NOTICES, params=query).raise_for_status().json()["items"]
    return found


def mine(client: httpx.Client, kind: str, approval: str) -> list[dict[str, Any]]:
    return [one for one in of(client) if one["kind"] == kind and one["params"].get("approval") == approval]


def test_who_is_to_decide_hears_of_it_and_who_asked_of_the_answer(whole_plant: Plant, asked: str) -> None:
    admin, operator, viewer = (whole_plant.person(role) for role in ("admin", "operator", "viewer"))
    assert len(mine(admin, "approval.asked", asked)) == 1
    assert mine(operator, "approval.asked", asked) == []

    with whole_plant.node.owner(TENANT) as door:
        door.post(f"/v1/approvals/{asked}/decision", json={"approve": False, "answer": "No."}).raise_for_status()

    assert mine(operator, "approval.decided", asked)[0]["params"]["approved"] is False
    assert mine(viewer, "approval.asked", asked) == mine(viewer, "approval.decided", asked) == []


def test_a_notice_holds_no_text_of_a_document_and_no_name(whole_plant: Plant, asked: str) -> None:
    said = whole_plant.person("admin").get(NOTICES).text

    assert asked in said
    assert "4711" not in said
    assert ".md" not in said
    assert MANUAL not in said


def test_nobody_marks_what_is_not_theirs(whole_plant: Plant, asked: str) -> None:
    (theirs,) = mine(whole_plant.person("admin"), "approval.asked", asked)

    one = whole_plant.person("viewer").post(f"{NOTICES}/{theirs['id']}/read")
    every = whole_plant.person("viewer").post(f"{NOTICES}/read", json={"up_to": theirs["id"]})

    assert {problem_of(one)["code"], problem_of(every)["code"]} == {"no-such-notice"}


def test_the_bell_rings_at_once_and_when_something_is_read(whole_plant: Plant, asked: str) -> None:
    admin = whole_plant.person("admin")
    newest = of(admin)[0]
    counts: list[int] = []

    with socket.create_connection(("127.0.0.1", whole_plant.node.port), timeout=20) as listening:
        head = f"GET {NOTICES}/events HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\nauthorization: {admin.headers['authorization']}\r\n\r\n"
        listening.sendall(head.encode())
        with listening.makefile("r", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("data:"):
                    counts.append(json.loads(line[5:])["unread"])
                    if len(counts) == 1:
                        admin.post(f"{NOTICES}/read", json={"up_to": newest["id"]}).raise_for_status()
                if len(counts) == 2:
                    break

    assert counts[0] > 0
    assert counts[1:] == [0]
    assert of(admin, unread=True) == []


def test_who_asks_for_no_stream_is_told_once(whole_plant: Plant) -> None:
    told = whole_plant.person("admin").get(f"{NOTICES}/events").raise_for_status()

    assert told.text.count("event: unread") == 1


def test_an_unchanged_list_is_not_sent_again(whole_plant: Plant) -> None:
    admin = whole_plant.person("admin")
    first = admin.get(NOTICES).raise_for_status()

    assert admin.get(NOTICES, headers={"if-none-match": first.headers["etag"]}).status_code == 304


def test_a_kiosk_has_no_notices(whole_plant: Plant) -> None:
    kiosk = whole_plant.kiosk("hall 3")
    try:
        assert problem_of(kiosk.get(NOTICES))["code"] == "policy-denied"
        assert problem_of(kiosk.get(f"{NOTICES}/events"))["code"] == "policy-denied"
    finally:
        kiosk.close()


def test_a_locked_account_is_heard_of_by_admins_alone(whole_plant: Plant) -> None:
    name = f"olaf-{uuid4().hex[:8]}"
    new = {"username": name, "password": "a long enough pass phrase 7", "role": "viewer", "display_name": "Olaf"}
    with whole_plant.node.owner(TENANT) as door:
        door.post("/v1/admin/users", json=new).raise_for_status()
    wrong = {"tenant": TENANT, "username": name, "password": "not the password"}
    with whole_plant.stranger() as stranger:
        for _ in range(6):
            stranger.post("/v1/auth/login", json=wrong)

    def heard() -> bool:
        return any(one["kind"] == "account.locked" for one in of(whole_plant.person("admin")))

    whole_plant.node.wait_for(heard, "the notice of the locked account", seconds=15)
    assert not any(one["kind"] == "account.locked" for one in of(whole_plant.person("operator")))
