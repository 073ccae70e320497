"""The same over HTTP on a running node, from asking a question to a person of whom nothing is left."""

from __future__ import annotations

import json
from uuid import uuid4

from tests.api.plant import TENANT, Plant
from tests.node import with_own_password

GDPR = "/v1/compliance/gdpr"


def test_a_person_saves_their_data_asks_to_be_erased_and_is(plant: Plant) -> None:
    name = f"zora-{uuid4().hex[:8]}"
    with plant.node.owner() as door, plant.stranger() as zora:
        new = {"username": name, "display_name": "Zora Zeman", "role": "viewer"}
        made = door.post("/v1/admin/users", json=new).raise_for_status().json()
        _, token = with_own_password(zora, tenant=TENANT, username=name, password=made["password"])
        zora.headers["authorization"] = f"Bearer {token}"
        zora.post("/v1/chat", json={"message": "What is the torque of the casing bolts?"}).raise_for_status()

        saved = zora.post(f"/api{GDPR}/data-subject-request", json={}).raise_for_status()
        assert saved.headers["content-disposition"].startswith("attachment")
        assert saved.json()["account"][0]["display_name"] == "Zora Zeman"
        assert "casing bolts" in json.dumps(saved.json()["messages"])
        request = zora.post(f"/api{GDPR}/erasure-request", json={}).raise_for_status().json()
        assert (request["state"], request["person_id"]) == ("asked", made["id"])
        where = f"{GDPR}/requests/{request['id']}"
        assert zora.post(f"{where}/approve").status_code == 403

        hold = door.post("/v1/holds", json={"reason": "claim", "user_id": made["id"]}).raise_for_status().json()
        assert door.post(f"{where}/approve").json()["code"] == "on-hold"
        door.post(f"/v1/holds/{hold['id']}/release", json={"reason": "settled"}).raise_for_status()
        door.post(f"{where}/approve").raise_for_status()

        def done() -> bool:
            listed = door.get(f"{GDPR}/requests/all").raise_for_status().json()["items"]
            return any(one["id"] == request["id"] and one["state"] == "done" for one in listed)

        plant.node.wait_for(done, "the erasure", seconds=60)
        assert zora.get("/v1/auth/me").status_code == 401
        listed = json.dumps(door.get("/v1/admin/users", params={"page_size": 100}).json())
        assert name not in listed
        assert "Zora" not in listed


def test_an_admin_shows_that_it_is_them_before_somebody_is_erased(plant: Plant) -> None:
    admin = plant.person("admin")
    operator = plant.person("operator").get("/v1/auth/me").raise_for_status().json()["id"]
    request = admin.post(f"{GDPR}/erasure-request", json={"person_id": operator}).raise_for_status().json()

    refused = admin.post(f"{GDPR}/requests/{request['id']}/approve")
    assert refused.json()["code"] == "step-up-required"
    no = admin.post(f"{GDPR}/requests/{request['id']}/refuse", json={"why": "still employed"}).raise_for_status()
    assert (no.json()["state"], no.json()["why"]) == ("refused", "still employed")
    own = plant.person("operator").get(f"{GDPR}/requests").raise_for_status().json()["items"]
    assert own[0]["why"] == "still employed"
