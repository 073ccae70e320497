"""`outpost duty` and the key of an auditor: given, seen, used, taken, and refused in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.api.plant import Plant
from tests.cli.shell import Ended, outpost

WRONG_USE, NOT_FOUND = 2, 12


@pytest.fixture
def name(plant: Plant) -> Iterator[str]:
    """Somebody of the plant without a duty; put out of the way afterwards."""
    name = f"duty-{uuid4().hex[:8]}"
    with plant.node.owner() as door:
        new = {"username": name, "display_name": name, "role": "viewer"}
        person = door.post("/v1/admin/users", json=new).raise_for_status().json()
        yield name
        door.patch(f"/v1/admin/users/{person['id']}", json={"is_active": False}).raise_for_status()


def in_days(days: int) -> str:
    return (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=days)).isoformat()


def test_a_duty_is_given_prolonged_listed_and_taken_and_the_others_stay(plant: Plant, name: str) -> None:
    def duty(*words: str) -> Ended:
        return outpost("duty", *words, "--data", plant.node.data)

    assert duty("give", name, "approver").out == f"{name}: approver\n"
    assert duty("give", name, "supervisor", "--until", in_days(5)).code == 0
    assert duty("give", name, "supervisor", "--until", in_days(9)).code == 0

    listed = {one["username"]: one["duties"] for one in duty("list", "--json").json["items"]}
    assert listed[name] == [
        {"duty": "approver", "until": None},
        {"duty": "supervisor", "until": in_days(9)},
    ]
    assert f"{name}: approver, supervisor until {in_days(9)}\n" in duty("list").out
    assert duty("take", name, "approver", "--json").json["duties"] == [{"duty": "supervisor", "until": in_days(9)}]
    assert duty("take", name, "supervisor").out == f"{name}: no duties\n"
    assert name not in duty("list").out


@pytest.mark.parametrize(
    ("what", "until", "says"),
    [
        ("captain", None, "'supervisor'"),
        ("auditor", None, "within a year"),
        ("auditor", 400, "within a year"),
        ("approver", -1, "is past"),
        ("approver", "next week", ""),
    ],
)
def test_a_duty_that_cannot_be_is_refused_and_nothing_is_given(
    plant: Plant, name: str, what: str, until: int | str | None, says: str
) -> None:
    data = ("--data", plant.node.data)
    day = () if until is None else ("--until", until if isinstance(until, str) else in_days(until))

    refused = outpost("duty", "give", name, what, *day, *data)

    assert (refused.code, refused.out) == (WRONG_USE, "")
    assert refused.err.startswith("refused: ")
    assert says in refused.err
    assert name not in outpost("duty", "list", *data).out


def test_nobody_of_that_name_has_a_duty(plant: Plant) -> None:
    for words in (("give", "nobody-here", "approver"), ("take", "nobody-here", "approver")):
        assert outpost("duty", *words, "--data", plant.node.data).code == NOT_FOUND


def test_the_key_of_an_auditor_reads_the_record_and_nothing_else(plant: Plant) -> None:
    data = ("--data", plant.node.data)
    made = outpost("key", "create", "yearly audit", "--auditor", "--days", "30", *data, "--json").json
    with plant.stranger() as program:
        program.headers["x-api-key"] = made["key"]
        read = program.get("/v1/audit", params={"limit": 1})
        others = {
            path: program.get(path).status_code
            for path in ("/v1/documents", "/v1/admin/users", "/v1/conversations", "/v1/api-keys")
        }
        asked = program.post("/v1/chat", json={"message": "What is the torque?"})
        listed = outpost("key", "list", *data)
        outpost("key", "revoke", made["id"], *data)
        gone = program.get("/v1/audit")

    assert read.status_code == 200
    assert set(others.values()) == {403}, others
    assert asked.status_code == 403
    assert (gone.status_code, made["expires_at"][:10]) == (401, in_days(30))
    line = next(line for line in listed.out.splitlines() if made["id"] in line)
    assert "yearly audit" in line
    assert made["key"] not in listed.out
