"""The guard's settings over HTTP, and what they change for whoever asks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from appliance.guard.disclosure import shipped
from tests.api.plant import QUESTION, Plant, problem_of, shared_plant

SETTINGS = "/v1/guard/settings"


@pytest.fixture(scope="session")
def whole_plant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return shared_plant(request.config, tmp_path_factory.mktemp("plant"))


@pytest.fixture
def plant(whole_plant: Plant) -> Iterator[Plant]:
    yield whole_plant
    admin = whole_plant.person("admin")
    admin.put(f"{SETTINGS}/pii", json={}).raise_for_status()
    admin.put(f"{SETTINGS}/disclosure", json={"texts": {}}).raise_for_status()


def test_an_admin_sets_what_becomes_of_personal_data(plant: Plant) -> None:
    admin = plant.person("admin")
    before = admin.get(SETTINGS).raise_for_status().json()
    rule = {"enabled": True, "patterns": ["employee_id", "ip_address"], "action": "block"}

    changed = admin.put(f"{SETTINGS}/pii", json=rule).raise_for_status().json()

    assert before["pii_sanitization"] == {"enabled": True, "patterns": [], "action": "redact"}
    assert changed["pii_sanitization"] == rule == admin.get(SETTINGS).json()["pii_sanitization"]
    assert "employee_id" in changed["kinds"]


def test_it_is_told_which_words_of_disclosure_are_the_plants_own(plant: Plant) -> None:
    admin = plant.person("admin")

    changed = admin.put(f"{SETTINGS}/disclosure", json={"texts": {"cs": "Od AI."}}).raise_for_status().json()

    assert changed["own_languages"] == ["cs"]
    assert changed["disclosure"] == {**shipped(), "cs": "Od AI."}


@pytest.mark.parametrize("role", ["operator", "viewer"])
def test_nobody_else_reads_or_sets_them(plant: Plant, role: str) -> None:
    who = plant.person(role)

    assert problem_of(who.get(SETTINGS))["code"] == "policy-denied"
    assert problem_of(who.put(f"{SETTINGS}/pii", json={}))["code"] == "policy-denied"


@pytest.mark.parametrize(
    ("where", "body", "status"),
    [
        ("pii", {"patterns": ["shoe_size"]}, 422),
        ("pii", {"action": "shrug"}, 400),
        ("pii", {"enabled": True, "more": 1}, 400),
        ("disclosure", {"texts": {"de": "   "}}, 400),
        ("disclosure", {"texts": {"d/../e": "x"}}, 400),
        ("disclosure", {"texts": {"de": "x" * 501}}, 400),
        ("disclosure", {}, 400),
    ],
)
def test_what_makes_no_sense_is_refused(plant: Plant, where: str, body: dict[str, object], status: int) -> None:
    assert problem_of(plant.person("admin").put(f"{SETTINGS}/{where}", json=body))["status"] == status


def test_every_answer_carries_the_disclosure_in_the_askers_language(plant: Plant) -> None:
    plant.person("admin").put(
        f"{SETTINGS}/disclosure", json={"texts": {"cs": "Sestavil systém AI."}}
    ).raise_for_status()

    def told(language: str) -> str:
        headers = {"accept-language": language}
        answer = plant.person("viewer").post("/v1/chat", json={"message": QUESTION}, headers=headers)
        text: str = answer.raise_for_status().json()["disclosure"]
        return text

    assert [told("de"), told("cs-CZ"), told("fr")] == [shipped()["de"], "Sestavil systém AI.", shipped()["en"]]
    stream = plant.person("viewer").post(
        "/v1/chat", json={"message": QUESTION, "stream": True}, headers={"accept-language": "de"}
    )
    assert shipped()["de"] in stream.text
