"""Tags, and requests that hold only for a certain one."""

from __future__ import annotations

import hashlib
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from appliance.conditional import among
from tests.api.plant import Plant, problem_of


@pytest.fixture
def person(plant: Plant) -> str:
    """The path of somebody who was just added."""
    new = {
        "username": f"p{uuid.uuid4().hex[:12]}",
        "display_name": "Pat",
        "role": "viewer",
        "password": "not a good one",
    }
    made = plant.person("admin").post("/v1/admin/users", json=new).raise_for_status().json()
    return f"/v1/admin/users/{made['id']}"


def test_the_tag_of_one_thing_is_strong_and_that_of_its_bytes(plant: Plant, person: str) -> None:
    answer = plant.person("admin").get(person)

    assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'


def test_a_list_has_a_weak_tag(plant: Plant) -> None:
    for path in ("/v1/documents", "/v1/admin/users", "/v1/conversations", "/v1/models/instances"):
        assert plant.person("admin").get(path).headers["etag"].startswith('W/"'), path


def test_what_has_not_changed_is_not_sent_again(plant: Plant, person: str) -> None:
    admin = plant.person("admin")
    for path in (person, "/v1/documents", "/v1/auth/me"):
        first = admin.get(path)
        for tags in (first.headers["etag"], f'"other", {first.headers["etag"]}', "*"):
            again = admin.get(path, headers={"if-none-match": tags})
            assert (again.status_code, again.content) == (304, b""), path
            assert again.headers["etag"] == first.headers["etag"]
            assert "content-security-policy" in again.headers
            assert again.headers["cache-control"] == "no-store"
        assert admin.get(path, headers={"if-none-match": '"other"'}).status_code == 200


def test_what_has_changed_is_sent_with_a_new_tag(plant: Plant, person: str) -> None:
    admin = plant.person("admin")
    before = admin.get(person).headers["etag"]
    admin.patch(person, json={"display_name": "Pat B"}).raise_for_status()
    after = admin.get(person, headers={"if-none-match": before})

    assert (after.status_code, after.json()["display_name"]) == (200, "Pat B")
    assert after.headers["etag"] != before


def test_a_change_holds_for_the_tag_that_was_read_and_for_no_later_one(plant: Plant, person: str) -> None:
    admin = plant.person("admin")
    read = admin.get(person).headers["etag"]
    first = admin.patch(person, json={"display_name": "First"}, headers={"if-match": read})
    second = admin.patch(person, json={"display_name": "Second"}, headers={"if-match": read})

    assert first.status_code == 200
    assert (second.status_code, problem_of(second)["code"]) == (412, "precondition-failed")
    assert admin.get(person).json()["display_name"] == "First"


def test_of_many_who_read_the_same_one_changes_it(plant: Plant, person: str) -> None:
    admin = plant.person("admin")
    headers = {"if-match": admin.get(person).headers["etag"], "authorization": admin.headers["authorization"]}

    def change(number: int) -> httpx.Response:
        body = {"display_name": f"Number {number}"}
        return httpx.patch(f"{plant.node.url}{person}", json=body, headers=headers, timeout=60)

    with ThreadPoolExecutor(6) as pool:
        statuses = [answer.status_code for answer in pool.map(change, range(6))]

    assert sorted(statuses) == [200] + [412] * 5


def test_a_document_is_not_deleted_that_has_changed_since(plant: Plant) -> None:
    operator = plant.person("operator")
    path = "/v1/documents/" + plant.put("tagged.md", "# Tagged\n\nThe tag of the hose is H-77.\n")

    assert operator.delete(path, headers={"if-match": '"of another time"'}).status_code == 412
    assert operator.get(path).status_code == 200
    assert operator.delete(path, headers={"if-match": operator.get(path).headers["etag"]}).status_code == 204
    assert operator.delete(path, headers={"if-match": "*"}).status_code == 404


def test_nobody_learns_from_a_tag_what_they_may_not_read(plant: Plant, person: str) -> None:
    tag = plant.person("admin").get(person).headers["etag"]
    for headers in ({"if-match": tag}, {"if-match": '"wrong"'}):
        assert plant.person("viewer").patch(person, json={}, headers=headers).status_code == 403


def _key(plant: Plant, *scopes: str) -> str:
    with plant.node.owner("plant") as owner:
        made = owner.post("/v1/api-keys", json={"name": "tags", "scopes": list(scopes), "role": "admin"})
        secret: str = made.raise_for_status().json()["key"]
    return secret


def test_a_program_with_a_key_changes_only_what_it_read(plant: Plant, person: str) -> None:
    read = plant.person("admin").get(person).headers["etag"]
    key = _key(plant, "people.list", "people.update")
    with plant.stranger() as program:
        for who in ({"x-api-key": key}, {"authorization": f"Bearer {key}"}):
            stale = program.patch(person, json={"display_name": "Lost"}, headers={**who, "if-match": '"old"'})
            assert (stale.status_code, problem_of(stale)["code"]) == (412, "precondition-failed")

        headers = {"x-api-key": key, "if-match": read}
        changed = program.patch(person, json={"display_name": "Kept"}, headers=headers)
        assert (changed.status_code, changed.json()["display_name"]) == (200, "Kept")


def test_who_may_change_and_not_read_has_nothing_to_compare(plant: Plant, person: str) -> None:
    headers = {"x-api-key": _key(plant, "people.update"), "if-match": '"guessed"'}

    with plant.stranger() as program:
        assert program.patch(person, json={"display_name": "Blind"}, headers=headers).status_code == 412
    assert plant.person("admin").get(person).json()["display_name"] == "Pat"


def test_a_path_that_cannot_be_read_has_nothing_to_compare(plant: Plant) -> None:
    refused = plant.person("admin").delete(f"/v1/admin/budgets/{uuid.uuid4()}", headers={"if-match": '"x"'})

    assert refused.status_code == 412
    assert "without If-Match" in problem_of(refused)["hint"]


def test_streams_and_refusals_have_no_tag(plant: Plant) -> None:
    viewer = plant.person("viewer")

    assert "etag" not in viewer.get("/v1/admin/users").headers
    assert "etag" not in viewer.post("/v1/search", json={"query": "torque"}).headers


@pytest.mark.parametrize(
    ("tag", "listed", "weakly", "strongly"),
    [
        (b'"a"', b'"a"', True, True),
        (b'"a"', b'W/"a"', True, False),
        (b'W/"a"', b'W/"a"', True, False),
        (b'"a"', b'"b" , "a"', True, True),
        (b'"a"', b"*", True, True),
        (b'"a"', b'"ab"', False, False),
        (b'"a"', b"a", False, False),
    ],
)
def test_tags_are_compared_as_the_standard_says(tag: bytes, listed: bytes, weakly: bool, strongly: bool) -> None:
    assert among(tag, listed) is weakly
    assert among(tag, listed, strongly=True) is strongly
