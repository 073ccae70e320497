"""`outpost holds` and `outpost audit purge` against a running node: set, seen, obeyed, released, and refused in words."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.api.plant import Plant
from tests.cli.shell import Ended, outpost

WRONG_USE, INVALID, NOT_FOUND, CONFLICT = 2, 11, 12, 13


@pytest.fixture(autouse=True)
def nothing_stays_on_hold(plant: Plant) -> Iterator[None]:
    yield
    with plant.node.owner() as door:
        for one in door.get("/v1/holds", params={"page_size": 100}).raise_for_status().json()["items"]:
            if one["released_at"] is None:
                door.post(f"/v1/holds/{one['id']}/release", json={"reason": "end of the test"}).raise_for_status()


def holds(plant: Plant, *words: str) -> Ended:
    return outpost("holds", *words, "--data", plant.node.data)


def test_a_hold_is_set_for_a_person_listed_and_released_once(plant: Plant) -> None:
    with plant.node.owner() as door:
        listed = door.get("/v1/admin/users").raise_for_status().json()["items"]
    person = next(one for one in listed if one["is_active"])
    made = holds(plant, "set", "--person", person["username"], "--reason", "claim 7", "--json").json

    assert made["user_id"] == person["id"]
    assert f"{made['id']}  person {person['id']}: claim 7" in holds(plant, "list").out
    assert holds(plant, "release", made["id"], "--reason", "settled").out.endswith("claim 7; released: settled\n")
    assert holds(plant, "release", made["id"], "--reason", "again").code == CONFLICT
    assert made["id"] not in holds(plant, "list").out
    assert made["id"] in {one["id"] for one in holds(plant, "list", "--all", "--json").json["items"]}


def test_a_hold_on_everything_has_to_be_said_in_so_many_words(plant: Plant) -> None:
    refused = holds(plant, "set", "--reason", "all of it")
    assert refused.code != 0
    assert "keeps everything" in refused.err
    assert (
        holds(plant, "set", "--reason", "both", "--everything", "--work", str(uuid4()), "--json").json["code"]
        == "bad-hold"
    )

    made = holds(plant, "set", "--reason", "inspection", "--everything")
    assert made.out.endswith("everything: inspection\n")


def test_a_period_is_read_as_utc_and_an_empty_one_is_refused(plant: Plant) -> None:
    made = holds(plant, "set", "--reason", "june", "--from", "2026-06-01", "--to", "2026-07-01", "--json").json
    assert (made["since"], made["until"]) == ("2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z")

    empty = holds(plant, "set", "--reason", "none", "--from", "2026-07-01", "--to", "2026-06-01", "--json")
    assert empty.json["code"] == "bad-hold"
    assert holds(plant, "set", "--reason", "who", "--person", "nobody-here", "--json").json["code"] == "unknown-person"
    assert holds(plant, "release", str(uuid4()), "--reason", "none", "--json").json["code"] == "no-such-hold"


def test_a_purge_of_a_young_record_removes_nothing_and_says_so(plant: Plant) -> None:
    def purge(*words: str) -> Ended:
        return outpost("audit", "purge", *words, "--data", plant.node.data)

    assert purge("--dry-run").out == "0 records would go; the log is kept from record 0 on\n"
    done = purge("--json").json
    assert (done["state"], done["result"]["records"]) == ("finished", 0)
    assert purge("--before", "2001-01-01").out == "0 records are gone; the log is kept from record 0 on\n"
    assert outpost("audit", "verify", "--data", plant.node.data).code == 0
