"""Ways around a limit, each tried against a node whose people may ask four times a minute."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.api.plant import TENANT
from tests.cli.shell import outpost
from tests.node import RunningNode

pytestmark = pytest.mark.one_try

CEILING = 4
LISTED = "/v1/conversations"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    setting = {"OUTPOST_ENVIRONMENT": "production", "OUTPOST_RATE_LIMIT_PER_MINUTE": str(CEILING)}
    with RunningNode(tmp_path_factory.mktemp("limits") / "node", demo=False, environment=setting) as running:
        yield running


@pytest.fixture
def used_up(node: RunningNode) -> Iterator[httpx.Client]:
    """Somebody who has nothing left."""
    with node.sign_in("viewer", TENANT) as viewer:
        outpost("limits", "reset", "--data", node.data)
        for _ in range(CEILING):
            assert viewer.get(LISTED).status_code == 200
        yield viewer


@pytest.mark.parametrize(
    "path",
    ["/api/v1/conversations", "/v1/conversations/", "//v1/conversations", "/v1//conversations", "/v1/%63onversations",
     "/v1/conversations?x=1", "/v1/./conversations", "/v1/health/components/../../conversations"],
)  # fmt: skip
def test_no_spelling_of_a_path_is_counted_elsewhere(used_up: httpx.Client, path: str) -> None:
    answer = used_up.get(path)

    assert answer.status_code in {404, 429} or answer.text.startswith("<!doctype html>")


@pytest.mark.parametrize(
    "header",
    ["x-forwarded-for", "forwarded", "x-real-ip", "x-outpost-tenant", "x-http-method-override", "x-original-url",
     "x-rewrite-url", "origin", "idempotency-key", "if-match", "if-none-match"],
)  # fmt: skip
def test_no_header_makes_somebody_else_of_a_person(used_up: httpx.Client, header: str) -> None:
    for value in ("10.9.8.7", "/v1/auth/me", "GET"):
        assert used_up.get(LISTED, headers={header: value}).status_code == 429


def test_neither_a_new_session_nor_a_fresh_token_begins_anew(node: RunningNode, used_up: httpx.Client) -> None:
    with node.sign_in("viewer", TENANT) as again:
        assert again.get(LISTED).status_code == 429
    assert used_up.post("/v1/auth/logout").status_code == 204
    with node.sign_in("viewer", TENANT) as after:
        assert after.get(LISTED).status_code == 429


def test_a_refused_request_costs_nobody_else_anything(node: RunningNode, used_up: httpx.Client) -> None:
    for _ in range(40):
        assert used_up.get(LISTED).status_code == 429
    shown = outpost("limits", "show", "--json", "--data", node.data).json["used"]

    assert {one["used"] for one in shown if one["what"] == "tenant"} == {CEILING}


def test_a_flood_at_once_gets_no_more_than_one_after_another(node: RunningNode, used_up: httpx.Client) -> None:
    outpost("limits", "reset", "--data", node.data)
    headers = {"authorization": used_up.headers["authorization"]}

    with ThreadPoolExecutor(12) as pool:
        answers = pool.map(lambda _: httpx.get(node.url + LISTED, headers=headers, timeout=60).status_code, range(36))

    assert sorted(answers) == [200] * CEILING + [429] * (36 - CEILING)


def test_nobody_but_an_admin_counts_afresh(node: RunningNode, used_up: httpx.Client) -> None:
    outpost("limits", "reset", "--data", node.data)
    with node.sign_in("operator", TENANT) as operator:
        for client in (used_up, operator):
            assert client.get("/v1/admin/limits").status_code == 403
            assert client.post("/v1/admin/limits/reset", json={}).status_code == 403


def test_nobody_but_an_admin_sets_a_limit_and_a_taken_session_widens_none(node: RunningNode) -> None:
    outpost("limits", "reset", "--data", node.data)
    tight = {"scope": "role", "subject": "viewer", "minute": 3}
    with node.sign_in("viewer", TENANT) as viewer, node.sign_in("operator", TENANT) as operator:
        for client in (viewer, operator):
            assert client.put("/v1/admin/limits/set", json=tight).status_code == 403
    with node.sign_in("admin", TENANT) as admin:
        made = admin.put("/v1/admin/limits/set", json=tight)
        assert made.status_code == 200
        place = f"/v1/admin/limits/set/{made.json()['id']}"
        for answer in (admin.delete(place), admin.put("/v1/admin/limits/set", json=tight | {"minute": 4})):
            assert (answer.status_code, answer.json()["code"]) == (403, "step-up-required")

    (held,) = outpost("limits", "show", "--json", "--data", node.data).json["set"]
    assert held["minute"] == 3
    outpost("limits", "unset", held["id"], "--data", node.data)
