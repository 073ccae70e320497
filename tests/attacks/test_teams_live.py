"""On a running node: somebody who is taken out of a team while signed in, and a guest from another plant."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from uuid import uuid4

import httpx
import pytest

from tests.attacks.tally import attempt
from tests.attacks.two_plants import NORTH, SOUTH, TwoPlants
from tests.conftest import Template
from tests.node import RunningNode

WINCH = b"# Winch Zwentibold\n\nThe spindle of winch Zwentibold has 23 turns.\n"
QUESTION = "How many turns has the spindle of winch Zwentibold?"
SAID = "23 turns"


@pytest.fixture(scope="module")
def plants(node_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoPlants]:
    """Two plants with people in both, and nothing else."""
    data = tmp_path_factory.mktemp("teams") / "data"
    shutil.copytree(node_template.data, data)
    with ExitStack() as clients, RunningNode(data, demo=False) as node:
        plants = TwoPlants(node, clients)
        plants.people(NORTH, "Somebody of North")
        plants.people(SOUTH, "Somebody of South")
        yield plants


def team_of(plants: TwoPlants, name: str, **people: str) -> str:
    """A team of North, with people in it by their ids, each as what they are to be there."""
    with plants.node.owner(NORTH) as door:
        team: str = door.post("/v1/teams", json={"name": name}).raise_for_status().json()["id"]
        for person, team_role in people.items():
            place = f"/v1/teams/{team}/members/{person}"
            door.put(place, json={"team_role": team_role}).raise_for_status()
    return team


def signed_in(plants: TwoPlants, tenant: str, role: str) -> tuple[httpx.Client, str]:
    tokens = plants.sign_in(tenant, role)
    return plants.client(tokens["access_token"]), tokens["user"]["id"]


def brought(plants: TwoPlants, who: httpx.Client, team: str) -> str:
    """A document of the team, ready."""
    sent = who.post("/v1/documents/upload", files={"file": ("zwentibold.md", WINCH)}, data={"team": team})
    document: str = sent.raise_for_status().json()["document_id"]
    plants.node.wait_for(
        lambda: who.get(f"/v1/documents/{document}").json()["status"] in {"ready", "failed"}, "the winch", seconds=120
    )
    return document


def test_who_is_taken_out_of_a_team_while_signed_in_sees_nothing_of_it_from_the_next_request_on(
    plants: TwoPlants,
) -> None:
    (mara, mara_id), (ada, ada_id) = (signed_in(plants, NORTH, role) for role in ("operator", "admin"))
    team = team_of(plants, "Winch crew", **{mara_id: "member", ada_id: "owner"})
    document = brought(plants, mara, team)
    talk = mara.post("/v1/conversations", json={"title": "Winch", "team": team}).raise_for_status().json()["id"]
    answer = mara.post(f"/v1/conversations/{talk}/chat", json={"message": QUESTION}).raise_for_status()
    assert SAID in answer.text
    assert SAID in mara.post("/v1/search", json={"query": QUESTION}).raise_for_status().text

    ada.delete(f"/v1/teams/{team}/members/{mara_id}").raise_for_status()

    for path in ("", "/passages", "/file"):
        with attempt():
            assert mara.get(f"/v1/documents/{document}{path}").status_code == 404
    for answered in (
        mara.get("/v1/documents"),
        mara.post("/v1/search", json={"query": QUESTION}),
        mara.post("/v1/chat", json={"message": QUESTION}),
        mara.get("/v1/conversations"),
    ):
        with attempt():
            assert answered.status_code == 200
            assert SAID not in answered.text
            assert talk not in answered.text
            assert document not in answered.text
    for refused in (
        mara.get(f"/v1/conversations/{talk}"),
        mara.post(f"/v1/conversations/{talk}/chat", json={"message": QUESTION}),
        mara.delete(f"/v1/conversations/{talk}"),
        mara.delete(f"/v1/documents/{document}"),
        mara.patch(f"/v1/documents/{document}", json={"team_id": None}),
    ):
        with attempt():
            assert refused.status_code == 404, refused.text
    assert SAID in ada.get(f"/v1/documents/{document}").raise_for_status().text


def test_a_document_is_moved_only_as_it_was_read(plants: TwoPlants) -> None:
    mara, mara_id = signed_in(plants, NORTH, "operator")
    team, other = (team_of(plants, name, **{mara_id: "owner"}) for name in ("Spindles", "Ropes"))
    place = f"/v1/documents/{brought(plants, mara, team)}"
    read = mara.get(place).headers["etag"]

    assert mara.patch(place, json={"team_id": other}, headers={"if-match": read}).json()["team_id"] == other
    with attempt():
        late = mara.patch(place, json={"team_id": None}, headers={"if-match": read})
        assert late.status_code == 412
    assert mara.get(place).json()["team_id"] == other
    assert mara.patch(place, json={}).status_code == 400
    assert mara.patch(place, json={"team_id": str(uuid4())}).json()["code"] == "not-your-team"
    assert mara.patch(place, json={"team_id": None}).raise_for_status().json()["team_id"] is None


def test_nobody_of_another_plant_is_put_into_a_team(plants: TwoPlants) -> None:
    (ada, _), (sam, sam_id) = signed_in(plants, NORTH, "admin"), signed_in(plants, SOUTH, "operator")
    team = team_of(plants, "Guests")

    with attempt():
        refused = ada.put(f"/v1/teams/{team}/members/{sam_id}", json={"team_role": "viewer"})
        assert (refused.status_code, refused.json()["code"]) == (404, "no-guests")
    with attempt():
        assert sam.get(f"/v1/teams/{team}").json()["code"] == "no-such-team"
    with attempt():
        upload = sam.post("/v1/documents/upload", files={"file": ("a.md", WINCH)}, data={"team": team})
        assert (upload.status_code, upload.json()["code"]) == (403, "policy-denied")
    with attempt():
        assert sam.post("/v1/conversations", json={"title": "x", "team": team}).status_code == 403
    assert ada.get(f"/v1/teams/{team}").json()["members"] == []
