"""Getting more rights by way of the policy pack, on a running node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.api.plant import TENANT, Plant, problem_of, shared_plant
from tests.packs.variants import no_drafts, uploads_for_viewers

pytestmark = pytest.mark.one_try

PACKS = "/v1/admin/policy/packs"


@pytest.fixture(scope="module")
def plant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return shared_plant(request.config, tmp_path_factory.mktemp("plant"))


@pytest.fixture
def widening(plant: Plant) -> Iterator[str]:
    response = plant.person("admin").post(PACKS, json={"files": dict(uploads_for_viewers())})
    yield response.raise_for_status().json()["version"]
    for one in plant.person("admin").get(PACKS).json()["items"]:
        assert one["in_force"] == one["of_the_release"], "a test left a pack in force"


def everything(client: httpx.Client, version: str) -> list[httpx.Response]:
    asked = {"subject": "admin", "action": "auth.me", "resource": "person"}
    return [
        client.get(PACKS),
        client.get(f"{PACKS}/{version}"),
        client.get(f"{PACKS}/{version}/preview"),
        client.post(PACKS, json={"files": dict(no_drafts())}),
        client.post("/v1/admin/policy/activate", json={"version": version}),
        client.post("/v1/admin/policy/rollback"),
        client.get("/v1/admin/policy/history"),
        client.post("/v1/admin/policy/explain", json=asked),
    ]


def test_nobody_but_an_admin_reads_stages_or_switches_a_pack(plant: Plant, widening: str) -> None:
    with closing(plant.kiosk("pack thief")) as kiosk:
        for client in (plant.person("viewer"), plant.person("operator"), kiosk):
            tries = everything(client, widening)
            assert [problem_of(one)["code"] for one in tries] == ["policy-denied"] * len(tries)


def test_a_widening_pack_is_not_put_in_force_without_the_word_of_its_preview(plant: Plant, widening: str) -> None:
    with plant.node.owner(TENANT) as owner:
        for word in (None, "00000000", ""):
            refused = owner.post("/v1/admin/policy/activate", json={"version": widening, "confirm": word})
            assert problem_of(refused)["code"] == "policy-needs-confirmation"
    assert plant.person("viewer").post("/v1/documents/upload", files={"file": ("a.md", b"# A")}).status_code == 403


def test_a_stolen_session_of_an_admin_switches_nothing_without_a_step_up(plant: Plant, widening: str) -> None:
    admin = plant.person("admin")
    word = admin.get(f"{PACKS}/{widening}/preview").json()["confirm"]
    tries = [
        admin.post("/v1/admin/policy/activate", json={"version": widening, "confirm": word}),
        admin.post(
            "/v1/admin/policy/activate", json={"version": widening, "confirm": word}, headers={"x-step-up": "x"}
        ),
        admin.post("/v1/admin/policy/rollback"),
    ]

    assert [problem_of(one)["code"] for one in tries] == ["step-up-required", "step-up-refused", "step-up-required"]


@pytest.mark.parametrize("version", ["../../etc", "%2e%2e%2fkeys", "f" * 12, "RELEASE", "release'--", "a" * 4000])
def test_a_version_is_a_version_and_no_path(plant: Plant, version: str) -> None:
    response = plant.person("admin").get(f"{PACKS}/{version}")

    assert response.status_code in {400, 404}
    assert "permit" not in response.text


@pytest.mark.parametrize(
    "files",
    [
        {"../policies.cedar": ""},
        {"pack.toml": "x" * 300_000},
        {str(number): "" for number in range(100)},
        {},
    ],
)
def test_files_that_are_no_pack_are_refused(plant: Plant, files: dict[str, Any]) -> None:
    before = plant.person("admin").get(PACKS).json()

    response = plant.person("admin").post(PACKS, json={"files": files})

    assert problem_of(response)["status"] == 400
    assert plant.person("admin").get(PACKS).json() == before


def go_back(owner: httpx.Client) -> Any:
    """With the word of the preview of the release's pack."""
    word = owner.get(f"{PACKS}/release/preview").raise_for_status().json()["confirm"]
    return owner.post("/v1/admin/policy/rollback", json={"confirm": word}).raise_for_status().json()


def test_every_switch_and_every_look_stands_in_the_record(plant: Plant) -> None:
    admin = plant.person("admin")
    staged = admin.post(PACKS, json={"files": dict(no_drafts())}).raise_for_status().json()["version"]
    admin.get(f"{PACKS}/{staged}/preview").raise_for_status()
    with plant.node.owner(TENANT) as owner:
        owner.post("/v1/admin/policy/activate", json={"version": staged}).raise_for_status()
        assert problem_of(owner.post("/v1/admin/policy/rollback"))["code"] == "policy-needs-confirmation"
        back = go_back(owner)

    assert back["version"] is None
    records = admin.get("/v1/audit", params={"limit": 20}).raise_for_status().json()["items"]
    ended = [one["record"] for one in records if one["record"]["phase"] == "post"]
    switches = [one for one in ended if one["event_type"] == "policy.activate"]
    made = [one for one in switches if "generation" in one["metadata"]]
    assert [one["metadata"]["generation"] - back["generation"] for one in made[:2]] == [0, -1]
    assert made[1]["resource_id"] == staged
    assert {"policy.stage", "policy.read"} <= {one["event_type"] for one in ended}


def test_a_decision_taken_by_another_pack_names_that_pack(plant: Plant) -> None:
    admin = plant.person("admin")
    staged = admin.post(PACKS, json={"files": dict(no_drafts())}).raise_for_status().json()["version"]
    with plant.node.owner(TENANT) as owner:
        owner.post("/v1/admin/policy/activate", json={"version": staged}).raise_for_status()
    try:
        refused = plant.person("viewer").get("/v1/admin/users")
        assert problem_of(refused)["pack_version"] == staged
        drafts = {
            "tags": ["draft"],
            "level": 1,
            "resource": "document",
            "action": "documents.read",
            "subject": "viewer",
        }
        explained = admin.post("/v1/admin/policy/explain", json=drafts).raise_for_status().json()
        assert explained["policies"] == [{"policy": "no-drafts", "says": "A draft is for admins."}]
    finally:
        with plant.node.owner(TENANT) as owner:
            go_back(owner)
