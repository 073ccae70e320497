"""Attacks by a page of somebody else in the browser of somebody who is signed in: CSRF, foreign origins, framing, fixation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.plant import TENANT, Plant, running_plant
from tests.attacks.routes import Operation, described
from tests.attacks.tally import attempt

ORIGINS = [
    "https://evil.example",
    "http://127.0.0.1:1",
    "http://localhost.evil.example",
    "null",
    "file://",
    "http://node.evil",
]
FORMS = ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", ""]
"""What a form, or a script without permission, can send across origins."""


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with running_plant(tmp_path_factory.mktemp("forgery")) as plant:
        yield plant


@pytest.fixture(scope="module")
def changing(plant: Plant) -> list[Operation]:
    """Operations that change something and that not anybody may call."""
    found = [one for one in described(plant) if one.method != "GET" and one.description.get("security") != [{}]]
    assert len(found) > 25
    return found


@pytest.mark.parametrize("origin", ORIGINS)
def test_no_foreign_page_may_read_an_answer(plant: Plant, origin: str) -> None:
    admin = plant.person("admin")
    for path in ("/v1/auth/me", "/v1/documents", "/v1", "/health/live", "/openapi.json", "/"):
        with attempt():
            asked = admin.get(path, headers={"origin": origin})
            wanted = {"origin": origin, "access-control-request-method": "DELETE"}
            before = admin.options(path, headers=wanted | {"access-control-request-headers": "authorization"})
            for response in (asked, before):
                allowed = {
                    name: value for name, value in response.headers.items() if name.startswith("access-control-")
                }
                assert "access-control-allow-origin" not in allowed, allowed
                assert "access-control-allow-credentials" not in allowed, allowed


def test_nothing_that_a_browser_adds_by_itself_signs_anybody_in(plant: Plant, changing: list[Operation]) -> None:
    token = plant.person("admin").headers["authorization"].removeprefix("Bearer ")
    with plant.stranger() as page:
        for operation in changing:
            for name in ("token", "access_token", "session", "authorization", "outpost", "sid"):
                with attempt():
                    response = page.request(
                        operation.method, operation.url(), headers={"cookie": f"{name}={token}", "origin": ORIGINS[0]}
                    )
                    assert response.status_code == 401, operation.name


def test_a_token_in_the_address_signs_nobody_in(plant: Plant) -> None:
    token = plant.person("admin").headers["authorization"].removeprefix("Bearer ")
    with plant.stranger() as page:
        for name in ("token", "access_token", "authorization", "jwt", "bearer"):
            with attempt():
                assert page.get("/v1/auth/me", params={name: token}).status_code == 401


@pytest.mark.parametrize("kind", FORMS, ids=[kind or "none" for kind in FORMS])
def test_no_form_of_a_foreign_page_is_taken_for_a_request(plant: Plant, changing: list[Operation], kind: str) -> None:
    with plant.stranger() as page:
        for operation in changing:
            for content in (b"a=b", b'{"a": "=b"}', b"--x--\r\n"):
                with attempt():
                    headers = {"content-type": kind, "origin": ORIGINS[0]} if kind else {"origin": ORIGINS[0]}
                    response = page.request(operation.method, operation.url(), content=content, headers=headers)
                    assert response.status_code == 401, operation.name


def test_a_sign_in_is_not_forged_into_a_browser(plant: Plant) -> None:
    """Login CSRF, and a session that somebody else has chosen: what a page sends along is never what is given back."""
    body = plant.node.own("viewer", TENANT)
    chosen = {"cookie": "session=chosen; sid=chosen", "x-session-id": "chosen"}
    given = set()
    with plant.stranger() as page:
        for headers in ({}, chosen, chosen | {"origin": ORIGINS[0]}):
            with attempt():
                response = page.post("/v1/auth/login", json=body, headers=headers).raise_for_status()
                assert "chosen" not in response.text + repr(response.headers)
                assert response.json()["refresh_token"] not in given
                given.add(response.json()["refresh_token"])
        for kind in FORMS[:3]:
            with attempt():
                content = "&".join(f"{name}={value}" for name, value in body.items())
                forged = page.post("/v1/auth/login", content=content, headers={"content-type": kind})
                assert forged.status_code in {400, 415}


def test_no_page_of_ours_is_shown_inside_another(plant: Plant) -> None:
    with plant.stranger() as page:
        for path in ("/", "/console", "/kiosk", "/v1", "/v1/nowhere"):
            with attempt():
                headers = page.get(path).headers
                assert headers["x-frame-options"] == "DENY"
                assert "frame-ancestors 'none'" in headers["content-security-policy"]
