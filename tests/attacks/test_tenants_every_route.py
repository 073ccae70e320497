"""Attacks across tenants, made from the description of the API: whoever belongs to South asks every route for North's things.

Run over SQLCipher files and over PostgreSQL.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.attacks.routes import NOWHERE
from tests.attacks.tally import attempt
from tests.attacks.two_plants import MARK, NORTH, PASSWORD, QUESTION, SOUTH, TwoPlants, two_plants
from tests.conftest import HubServer

GONE = {403, 404}
ATTACKERS = ("viewer", "operator", "admin", "kiosk")
EVERYBODYS = {"provider_id", "instance_id", "name", "number", "pid", "tenant", "schedule"}
"""Parameters that name what belongs to the node, not to a plant, or what everybody may say at the sign-in page."""


@pytest.fixture(scope="module", params=["sqlcipher", "postgres"])
def plants(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoPlants]:
    folder = tmp_path_factory.mktemp("two-plants")
    if request.param == "sqlcipher":
        with two_plants(folder, request.getfixturevalue("node_template"), {}) as found:
            yield found
        return
    server: HubServer = request.getfixturevalue("hub_server")
    template = request.getfixturevalue("hub_template")
    name = f"outpost_{uuid.uuid4().hex}"
    server.create(name, template="outpost_template")
    environment = {"OUTPOST_ROLE": "hub", "OUTPOST_DATABASE_URL": server.url(name, "outpost_app")}
    with two_plants(folder, template, environment) as found:
        yield found
    server.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(autouse=True)
def _north_is_as_it_was(plants: TwoPlants) -> Iterator[None]:
    before = plants.left_of_north()
    yield
    assert plants.left_of_north() == before


def shows_nothing(response: httpx.Response) -> None:
    """Neither body nor headers hold a byte that North wrote; nothing fails."""
    everything = response.text + repr(response.headers)
    assert MARK not in everything.lower(), (response.request.method, response.url, everything[:400])
    assert response.status_code < 500, response.text


def owned_by_nobody(plants: TwoPlants, response: httpx.Response) -> None:
    """Nor does it name a thing of North by an id that nobody has said."""
    shows_nothing(response)
    assert not [one for one in plants.victim.unsaid if one in response.text], (response.url, response.text[:400])


def test_north_sees_its_own_marks(plants: TwoPlants) -> None:
    seen = plants.left_of_north()

    assert len(plants.victim.unsaid) == 4
    assert all(MARK in str(found) for path, found in seen.items() if path != "/v1/admin/jobs")
    assert set(plants.victim.page_tokens) >= {"/v1/documents", "/v1/conversations", "/v1/admin/users", "/v1/audit"}
    searched = plants.owner(NORTH).post("/v1/search", json={"query": QUESTION})
    assert MARK in searched.text


def test_every_parameter_of_a_path_is_tried(plants: TwoPlants) -> None:
    named = {one for operation in plants.operations for one in operation.path_parameters}

    assert named - EVERYBODYS <= set(plants.victim.ids)


@pytest.mark.parametrize("attacker", ATTACKERS)
def test_no_route_finds_a_thing_of_another_plant(plants: TwoPlants, attacker: str) -> None:
    client = plants.attacker(attacker)
    for operation in plants.operations:
        own = [one for one in operation.path_parameters if one not in EVERYBODYS]
        for body in operation.bodies() if own else ():
            for thing in plants.victim.ids.values() if attacker == "admin" else {plants.victim.ids[one] for one in own}:
                with attempt():
                    response = operation.send(client, body, **dict.fromkeys(own, thing))
                    shows_nothing(response)
                    assert response.status_code in GONE, (operation.name, response.status_code, response.text)


@pytest.mark.parametrize("attacker", ATTACKERS)
def test_another_plants_thing_is_told_from_one_that_never_was_by_nobody(plants: TwoPlants, attacker: str) -> None:
    client = plants.attacker(attacker)
    for operation in plants.operations:
        own = [one for one in operation.path_parameters if one not in EVERYBODYS]
        for body in operation.bodies() if own else ():
            with attempt():
                theirs = operation.send(client, body, **{one: plants.victim.ids[one] for one in own})
                nothing = operation.send(client, body, **dict.fromkeys(own, str(uuid.uuid4())))
                assert _told(theirs) == _told(nothing), operation.name


def _told(response: httpx.Response) -> tuple[int, dict[str, Any]]:
    varying = {"instance", "correlation_id", "resource"}
    return response.status_code, {name: value for name, value in response.json().items() if name not in varying}


@pytest.mark.parametrize("attacker", ATTACKERS)
def test_no_list_shows_a_thing_of_another_plant(plants: TwoPlants, attacker: str) -> None:
    client = plants.attacker(attacker)
    for operation in plants.operations:
        if operation.method == "GET" and not operation.path_parameters:
            with attempt():
                owned_by_nobody(plants, client.get(operation.path))


@pytest.mark.parametrize("attacker", ATTACKERS)
def test_a_page_token_of_another_plant_opens_no_list(plants: TwoPlants, attacker: str) -> None:
    client = plants.attacker(attacker)
    for operation in plants.operations:
        if "page_token" in {one["name"] for one in operation.query_parameters}:
            for token in plants.victim.page_tokens.values():
                with attempt():
                    owned_by_nobody(plants, client.get(operation.path, params={"page_token": token}))


@pytest.mark.parametrize("attacker", ATTACKERS)
def test_a_filter_by_another_plants_things_finds_nothing(plants: TwoPlants, attacker: str) -> None:
    client = plants.attacker(attacker)
    for operation in plants.operations:
        for one in operation.query_parameters if operation.method == "GET" else ():
            for value in (MARK[:-1], *plants.victim.ids.values()) if one["name"] != "page_token" else ():
                with attempt():
                    shows_nothing(client.get(operation.url(), params={one["name"]: value}))


@pytest.mark.parametrize("attacker", ATTACKERS)
def test_no_body_that_names_another_plants_thing_reaches_it(plants: TwoPlants, attacker: str) -> None:
    client = plants.attacker(attacker)
    for operation in plants.operations:
        for body in operation.bodies():
            for name, value in (body or {}).items():
                # What takes an id is given every id; of what takes words, an admin's are enough.
                ids = plants.victim.ids.values() if value == NOWHERE else (plants.victim.ids["tenant_id"], NORTH)
                for thing in ids if value == NOWHERE or attacker == "admin" else ():
                    with attempt():
                        shows_nothing(operation.send(client, (body or {}) | {name: thing}))


@pytest.mark.parametrize("attacker", ATTACKERS)
def test_no_question_is_answered_from_another_plants_documents(plants: TwoPlants, attacker: str) -> None:
    client = plants.attacker(attacker)
    for question in (QUESTION, f"What is {MARK[:8]}?", "pump rpm", "47"):
        for path, body in (
            ("/v1/search", {"query": question, "top_k": 20}),
            ("/v1/chat", {"message": question}),
            ("/v1/chat", {"message": question, "stream": True}),
            ("/v1/chat", {"message": question, "conversation_id": plants.victim.ids["conversation_id"]}),
            ("/v1/chat/words", {"message": question}),
            ("/v1/chat/words", {"message": question, "message_id": plants.victim.ids.get("message_id")}),
        ):
            with attempt():
                shows_nothing(client.post(path, json=body))


TRICKS: list[dict[str, str]] = [
    {"x-outpost-tenant": NORTH},
    {"x-tenant-id": NORTH},
    {"x-tenant": NORTH},
    {"host": "north"},
    {"x-forwarded-host": "north"},
    {"x-forwarded-for": "127.0.0.1"},
    {"forwarded": "for=127.0.0.1;host=north"},
    {"x-original-url": "/v1/admin/users"},
    {"x-rewrite-url": "/v1/admin/users"},
    {"x-http-method-override": "DELETE"},
    {"x-forwarded-user": "north-admin"},
    {"cookie": "tenant=north"},
]


@pytest.mark.parametrize("attacker", ATTACKERS)
def test_no_header_and_no_parameter_moves_anybody_to_another_plant(plants: TwoPlants, attacker: str) -> None:
    client, theirs = plants.attacker(attacker), plants.victim.ids["tenant_id"]
    wanted = [one for one in plants.operations if one.method == "GET" and not one.path_parameters]
    # They all go through one door; everything is tried as admin.
    wanted = wanted if attacker == "admin" else wanted[::4]
    for operation in wanted:
        for trick in (*TRICKS, {"x-outpost-tenant": theirs}, {"x-tenant-id": theirs}):
            with attempt():
                owned_by_nobody(plants, client.get(operation.path, headers=trick))
        for parameter in ({"tenant": NORTH}, {"tenant_id": theirs}, {"slug": NORTH}):
            with attempt():
                shows_nothing(client.get(operation.path, params=parameter))
    document = plants.victim.ids["document_id"]
    for trick in TRICKS:
        with attempt():
            response = client.get(f"/v1/documents/{document}", headers=trick)
            shows_nothing(response)
            assert response.status_code == 404


def test_no_body_moves_a_new_thing_into_another_plant(plants: TwoPlants) -> None:
    admin, theirs = plants.attacker("admin"), plants.victim.ids["tenant_id"]
    for trick in ({"tenant": NORTH}, {"tenant_id": theirs}, {"slug": NORTH}):
        for operation in plants.operations:
            for body in operation.bodies() if operation.content() and operation.id not in {"login", "logout"} else ():
                with attempt():
                    shows_nothing(operation.send(admin, (body or {}) | trick))


def test_the_same_idempotency_key_in_two_plants_is_two_requests(plants: TwoPlants) -> None:
    key, body = {"idempotency-key": str(uuid.uuid4())}, {"title": f"Kept under a key {MARK}"}
    theirs = plants.owner(NORTH).post("/v1/conversations", json=body, headers=key).raise_for_status().json()

    for attacker in ("viewer", "operator", "admin"):
        with attempt():
            mine = plants.attacker(attacker).post("/v1/conversations", json={"title": "Mine"}, headers=key)
            shows_nothing(mine)
            assert mine.json().get("id") != theirs["id"]


def test_the_proof_of_one_plants_kiosk_is_none_for_anothers(plants: TwoPlants) -> None:
    anybody = plants.client()
    theirs, mine = plants.victim.ids["kiosk_id"], plants.attacker_kiosk
    for asked, claimed in ((theirs, theirs), (mine, theirs), (theirs, mine)):
        challenge = (
            anybody.post("/v1/kiosks/challenge", json={"kiosk_id": asked}).raise_for_status().json()["challenge"]
        )
        proof = {
            "kiosk_id": claimed, "challenge": challenge, "signature": plants.attacker_device.sign(challenge)
        }  # fmt: skip
        with attempt():
            response = anybody.post("/v1/kiosks/token", json=proof)
            while response.status_code == 429:  # this address has tried much before; the proof itself must be refused
                time.sleep(int(response.headers["retry-after"]))
                response = anybody.post("/v1/kiosks/token", json=proof)
            shows_nothing(response)
            assert response.status_code == 401


def test_people_of_another_plant_do_not_sign_in_here(plants: TwoPlants) -> None:
    for slug in (SOUTH, f"{SOUTH} ", f"{SOUTH}/../{NORTH}", "*", "", NORTH.upper() + "x"):
        body = {"tenant": slug, "username": "north-viewer", "password": PASSWORD}
        with attempt():
            response = plants.client().post("/v1/auth/login", json=body)
            shows_nothing(response)
            assert response.status_code in {400, 401}
