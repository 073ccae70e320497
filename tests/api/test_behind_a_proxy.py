"""A node on loopback behind a reverse proxy that ends TLS: people are told apart, and browsers are signed in."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.api.plant import TENANT, problem_of
from tests.node import RunningNode

HOST = "outpost.plant"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    setting = {"OUTPOST_TRUSTED_PROXIES": "127.0.0.1"}
    with RunningNode(tmp_path_factory.mktemp("proxy") / "node", demo=False, environment=setting) as running:
        yield running


def through(node: RunningNode, address: str) -> httpx.Client:
    """A browser at `address`, as its requests come out of the proxy."""
    headers = {
        "host": HOST, "x-forwarded-for": address, "x-forwarded-proto": "https", "origin": f"https://{HOST}",
        "sec-fetch-site": "same-origin", "x-outpost-session": "cookie",
    }  # fmt: skip
    return httpx.Client(base_url=node.url, headers=headers, timeout=60)


def wanted(node: RunningNode, role: str) -> dict[str, str]:
    return node.own(role, TENANT)


def test_a_browser_is_signed_in_with_a_cookie_for_encrypted_lines(node: RunningNode) -> None:
    with through(node, "10.1.2.3") as browser:
        signed_in = browser.post("/v1/auth/login", json=wanted(node, "viewer"))
        cookie = signed_in.headers["set-cookie"]

    assert signed_in.status_code == 200, signed_in.text
    assert signed_in.json()["refresh_token"] is None
    assert cookie.startswith("__Secure-outpost-refresh-")
    assert "secure" in cookie.lower()
    assert "strict-transport-security" in signed_in.headers


def test_who_guesses_uses_up_the_tries_of_their_own_address(node: RunningNode) -> None:
    wrong = {"tenant": TENANT, "username": "nobody-of-that-name", "password": "a wrong password"}
    with through(node, "10.6.6.6") as guesser, through(node, "10.1.2.4") as person:
        answers = [guesser.post("/v1/auth/login", json=wrong) for _ in range(25)]
        assert {answer.status_code for answer in answers} == {401, 429}
        assert problem_of(answers[-1])["code"] == "too-many-attempts"
        assert person.post("/v1/auth/login", json=wanted(node, "viewer")).status_code == 200


def test_an_admin_needs_a_second_factor_where_others_reach_the_node_by_a_proxy(node: RunningNode) -> None:
    with through(node, "10.1.2.5") as browser:
        token = browser.post("/v1/auth/login", json=wanted(node, "admin")).raise_for_status().json()["access_token"]
        refused = browser.get("/v1/admin/users", headers={"authorization": f"Bearer {token}"})

    assert (refused.status_code, problem_of(refused)["policies"]) == (403, ["within-scopes"])
