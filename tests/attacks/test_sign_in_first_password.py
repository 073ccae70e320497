"""A password that somebody else knows, because they made it: what it opens before its person has replaced it."""

from __future__ import annotations

import httpx
import pytest

from tests.api.plant import TENANT, Plant, shared_plant
from tests.attacks.routes import operations
from tests.attacks.tally import attempt

OPEN = {"change_password", "logout"}


@pytest.fixture(scope="module")
def plant(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Plant:
    return shared_plant(request.config, tmp_path_factory.mktemp("plant"))


@pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
def test_a_password_that_was_made_for_somebody_opens_no_route_before_it_is_replaced(plant: Plant, role: str) -> None:
    new = {"username": f"first-{role}", "display_name": "First", "role": role}
    with plant.node.owner(TENANT) as door:
        password = door.post("/v1/admin/users", json=new).raise_for_status().json()["password"]
    body = {"tenant": TENANT, "username": new["username"], "password": password}
    reached = []
    with plant.stranger() as client:
        token = client.post("/v1/auth/login", json=body).raise_for_status().json()["access_token"]
        client.headers["authorization"] = f"Bearer {token}"
        for operation in operations(httpx.get(f"{plant.node.url}/openapi.json").json()):
            if operation.description.get("security") in ([], [{}]) or operation.id in OPEN:
                continue
            for path in (operation.url(), f"/api{operation.url()}", operation.url() + "/"):
                with attempt():
                    refused = client.request(operation.method, path, content=b"{}")
                    if (refused.status_code, refused.json().get("code")) != (403, "password-change-required"):
                        reached.append(f"{operation.method} {path} -> {refused.status_code}")

    assert reached == []
