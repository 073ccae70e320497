"""What `outpost policy explain` says that the policies were told."""

from __future__ import annotations

from typing import Any

from appliance.commands.policing import knowing

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
