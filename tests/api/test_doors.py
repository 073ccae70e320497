"""Who may come in: nobody without a token except where it is said aloud, and the owner by the file system."""

from __future__ import annotations

import stat
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.plant import TENANT, Plant, problem_of

PUBLIC = {
    ("GET", "/v1"),
    ("POST", "/v1/auth/login"),
    ("POST", "/v1/auth/refresh"),
    ("GET", "/v1/auth/ways"),
    ("POST", "/v1/auth/exchange"),
    ("GET", "/v1/auth/oidc/{tenant}/start"),
    ("GET", "/v1/auth/oidc/{tenant}/callback"),
    ("GET", "/v1/auth/saml/{tenant}/metadata"),
    ("GET", "/v1/auth/saml/{tenant}/start"),
    ("POST", "/v1/auth/saml/{tenant}/acs"),
    ("GET", "/v1/auth/saml/{tenant}/finish"),
    ("POST", "/v1/auth/second-factor"),
    ("POST", "/v1/auth/second-factor/options"),
    ("POST", "/v1/kiosks/enrol"),
    ("POST", "/v1/kiosks/challenge"),
    ("POST", "/v1/kiosks/token"),
    ("GET", "/health"),
    ("GET", "/health/db"),
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/ready"),
    ("GET", "/v1/health"),
    ("GET", "/v1/health/live"),
    ("GET", "/v1/health/ready"),
    ("GET", "/v1/health/startup"),
    ("GET", "/v2/health/live"),
    ("GET", "/v1/tls/ca"),
}
"""Every operation that anybody may call. A new one is written here by hand, or it needs a token."""


@pytest.fixture(scope="module")
def operations(plant: Plant) -> dict[tuple[str, str], dict[str, Any]]:
    """Every operation of the description that the node serves."""
    with plant.stranger() as client:
        paths = client.get("/openapi.json").raise_for_status().json()["paths"]
    return {(method.upper(), path): found for path, item in paths.items() for method, found in item.items()}


def filled(path: str) -> str:
    """The path with values that fit its parameters."""
    path = path.replace("{number}", "1").replace("{pid}", "1").replace("{name}", "database")
    return path.replace("{", "\0").replace("}", "\0")


def called(path: str) -> str:
    parts = filled(path).split("\0")
    return "".join(part if index % 2 == 0 else str(uuid.UUID(int=0)) for index, part in enumerate(parts))


@pytest.fixture(scope="module")
def stranger(plant: Plant) -> Iterator[httpx.Client]:
    with plant.stranger() as client:
        yield client


def test_every_operation_needs_a_token_unless_it_is_on_the_public_list(
    operations: dict[tuple[str, str], dict[str, Any]], stranger: httpx.Client
) -> None:
    assert len(operations) > 40
    open_to_all = set()
    for method, path in operations:
        if stranger.request(method, called(path)).status_code != 401:
            open_to_all.add((method, path))

    assert open_to_all == PUBLIC


def test_the_description_says_the_same_as_the_door(operations: dict[tuple[str, str], dict[str, Any]]) -> None:
    assert {operation for operation, found in operations.items() if found.get("security") == [{}]} == PUBLIC


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer x",
        "Basic YWRtaW46YWRtaW4=",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
        "Bearer " + "a" * 4000,
    ],
)
def test_a_token_that_is_none_is_refused_everywhere(
    operations: dict[tuple[str, str], dict[str, Any]], stranger: httpx.Client, header: str
) -> None:
    for method, path in sorted(operations.keys() - PUBLIC)[::7]:
        response = stranger.request(method, called(path), headers={"authorization": header})
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert problem_of(response)["code"].startswith(("unauthenticated", "token", "sign-in")), response.text


def test_a_tenant_header_means_nothing_at_the_peoples_address(plant: Plant, stranger: httpx.Client) -> None:
    assert stranger.get("/v1/auth/me", headers={"x-outpost-tenant": TENANT}).status_code == 401
    viewer = plant.person("viewer").get("/v1/auth/me", headers={"x-outpost-tenant": "elsewhere"})
    assert viewer.json()["tenant"] == TENANT


def test_every_path_is_reached_under_api_too(stranger: httpx.Client, plant: Plant) -> None:
    assert stranger.get("/api/v1").json() == stranger.get("/v1").json()
    assert stranger.get("/api/v1/auth/me").status_code == 401
    assert plant.person("viewer").get("/api/v1/auth/me").json()["role"] == "viewer"


@pytest.mark.parametrize("path", ["/v1/auth/me/", "/v1//auth/me", "/v1/auth/./me", "/api//v1/auth/me", "/v1/auth/me;a"])
def test_no_spelling_of_a_path_gets_around_the_door(plant: Plant, path: str) -> None:
    answer = plant.raw(f"GET {path} HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n".encode())

    assert int(answer.split()[1]) in {401, 404} or b"<!doctype html>" in answer
    assert b"clearance" not in answer


def test_the_owners_door_is_closed_to_other_users(plant: Plant) -> None:
    run = plant.node.data / "run"

    assert stat.S_IMODE((run / "outpost.sock").stat().st_mode) == 0o600
    assert stat.S_IMODE(run.stat().st_mode) == 0o700
    assert stat.S_IMODE(plant.node.data.stat().st_mode) == 0o700


def test_nothing_in_the_data_directory_can_be_read_by_other_users(plant: Plant) -> None:
    found = [path for path in plant.node.data.rglob("*") if stat.S_IMODE(path.lstat().st_mode) & 0o077]

    assert found == []


def test_whoever_opens_the_owners_door_is_an_admin_of_the_first_tenant(plant: Plant) -> None:
    with plant.node.owner() as door:
        me = door.get("/v1/auth/me").json()

    assert (me["kind"], me["role"], me["tenant"]) == ("owner", "admin", TENANT)


def test_a_header_chooses_the_tenant_at_the_owners_door(plant: Plant) -> None:
    with plant.node.owner(TENANT) as door:
        assert door.get("/v1/auth/me").json()["tenant"] == TENANT


@pytest.mark.parametrize("tenant", ["elsewhere", "../plant", "plant'--", "\xff\xfe", "a" * 1000])
def test_a_tenant_that_is_not_here_is_said_so(plant: Plant, tenant: str) -> None:
    with plant.node.owner() as door:
        response = door.get("/v1/auth/me", headers={b"x-outpost-tenant": tenant.encode("latin-1")})

    assert (response.status_code, problem_of(response)["code"]) == (404, "no-tenant")


def test_a_token_is_not_looked_at_at_the_owners_door(plant: Plant) -> None:
    with plant.node.owner() as door:
        assert door.get("/v1/auth/me", headers={"authorization": "Bearer nonsense"}).json()["kind"] == "owner"
