"""What `outpost policy explain` says that the policies were told."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

from appliance.commands.policing import knowing
from tests.api.plant import Plant
from tests.cli.shell import outpost

FACTS: dict[str, Any] = {
    "role": "viewer",
    "includes": ["viewer"],
    "clearance": 2,
    "eligible": [],
    "duties": [],
    "teams": {},
    "resource": {},
    "on_its_list": None,
}


def test_who_has_nothing_beside_a_role_is_one_line() -> None:
    assert knowing(FACTS, "job") == ["role viewer (includes viewer), clearance 2"]


def test_duties_teams_and_eligibility_are_said_for_policies_decide_by_them() -> None:
    held = {"duties": ["approver", "past_auditor"], "teams": {"t-1": "owner"}, "eligible": ["EAR"]}

    assert knowing(FACTS | held, "job")[1:] == [
        "duties: approver, past auditor",
        "in teams: t-1 as owner",
        "eligible for export control: EAR",
    ]


def test_a_kiosk_has_no_role() -> None:
    assert knowing(FACTS | {"role": None, "includes": []}, "job") == ["a kiosk, with no role, clearance 2"]


def test_a_document_says_whether_one_is_on_its_list_and_a_model_is_called_no_document() -> None:
    document = FACTS | {"resource": {"level": 3, "tags": [], "export": "EAR"}, "on_its_list": False}
    model = FACTS | {"resource": {"name": "hall/big", "tiers": ["heavy", "light"]}, "on_its_list": False}

    assert knowing(document, "document")[-1] == "the document: level 3, export EAR; on its list: no"
    assert knowing(model, "writer")[-1] == "the writer: name hall/big, tiers heavy light"


def test_somebody_with_a_duty_is_explained_by_it(plant: Plant) -> None:
    data, name = ("--data", plant.node.data), f"explained-{uuid4().hex[:8]}"
    with plant.node.owner() as door:
        new = {"username": name, "display_name": name, "role": "admin"}
        person = door.post("/v1/admin/users", json=new).raise_for_status().json()
        today = dt.datetime.now(dt.UTC).date().isoformat()
        assert outpost("duty", "give", name, "auditor", "--until", today, *data).code == 0

        refused = outpost("policy", "explain", "--as", name, "documents.list", "document", "--level", "1", *data)
        allowed = outpost("policy", "explain", "--as", name, "audit.read_all", "audit", *data)
        door.patch(f"/v1/admin/users/{person['id']}", json={"is_active": False}).raise_for_status()

    assert refused.out.startswith(f"refused: {name} documents.list document\n  by auditors-only-read: An auditor reads")
    assert "\n           duties: auditor\n           the document: level 1, stage open" in refused.out
    assert allowed.out.startswith(f"allowed: {name} audit.read_all audit\n")
