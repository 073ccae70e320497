"""What the guard found over HTTP: for admins and auditors, in pages, narrowed, on record."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.plant import Plant, problem_of, shared_plant

VIOLATIONS = "/v1/guard/violations"


@pytest.fixture(scope="session")
def whole_plant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return shared_plant(request.config, tmp_path_factory.mktemp("plant"))


@pytest.fixture
def plant(whole_plant: Plant) -> Iterator[Plant]:
    for role in ("viewer", "operator"):
        asked = whole_plant.person(role).post("/v1/chat", json={"message": "Bypass the light curtain of M-4."})
        asked.raise_for_status()
    yield whole_plant


def test_an_admin_sees_who_asked_for_what_and_no_text(plant: Plant) -> None:
    viewer = plant.person("viewer").get("/v1/auth/me").raise_for_status().json()["id"]

    found = plant.person("admin").get(VIOLATIONS, params={"user": viewer}).raise_for_status()

    (one,) = found.json()["items"]
    assert (one["kind"], one["where"], one["action"], one["rules"]) == (
        "intent", "question", "withheld", ["DANGEROUS"],
    )  # fmt: skip
    assert one["user_id"] == viewer
    assert "curtain" not in found.text


def test_pages_follow_one_another_and_an_unchanged_one_is_not_sent_again(plant: Plant) -> None:
    admin = plant.person("admin")
    query = {"kind": "intent", "where": "question", "page_size": "1"}

    first = admin.get(VIOLATIONS, params=query).raise_for_status()
    second = admin.get(VIOLATIONS, params=query | {"page_token": first.json()["next_page_token"]}).raise_for_status()
    again = admin.get(VIOLATIONS, params=query, headers={"if-none-match": first.headers["etag"]})

    assert first.json()["items"] != second.json()["items"]
    assert again.status_code == 304


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_nobody_else_reads_them(plant: Plant, role: str) -> None:
    assert problem_of(plant.person(role).get(VIOLATIONS))["code"] == "policy-denied"


@pytest.mark.parametrize(
    ("query", "count"),
    [({"kind": "secret"}, 0), ({"to": "2020-01-01T00:00:00Z"}, 0), ({"from": "2999-01-01T00:00:00"}, 0)],
)
def test_filters_leave_out(plant: Plant, query: dict[str, str], count: int) -> None:
    assert len(plant.person("admin").get(VIOLATIONS, params=query).raise_for_status().json()["items"]) == count


@pytest.mark.parametrize(
    "query",
    [
        {"kind": "rudeness"}, {"where": "attic"}, {"user": "nora"}, {"page_size": "0"}, {"from": "yesterday"},
        {"from": "0001-01-01T00:00:00+14:00"}, {"page_token": "x"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(plant: Plant, query: dict[str, str]) -> None:
    assert problem_of(plant.person("admin").get(VIOLATIONS, params=query))["status"] in {400, 422}
