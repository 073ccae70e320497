"""A real node that checks tokens with no network: its settings, its file of keys, its health."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.identity.federation.company import GROUPS, ISSUER, Issuer, write_keys
from tests.node import RunningNode

TENANT = "alder"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "jwks.json"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Iterator[RunningNode]:
    write_keys(keys, Issuer())
    environment = {"JWKS_LOCAL_PATH": str(keys)}
    with RunningNode(tmp_path_factory.mktemp("offline") / "node", demo=True, environment=environment) as node:
        settings = {
            "title": "Works login",
            "issuer": ISSUER,
            "client_id": "outpost",
            "groups": GROUPS,
            "allow_new": True,
        }
        with node.owner(TENANT) as door:
            door.put("/v1/admin/sign-in", json={"oidc": settings}).raise_for_status()
        yield node


def me(node: RunningNode, token: str) -> httpx.Response:
    return httpx.get(f"{node.url}/v1/auth/me", headers={"authorization": f"Bearer {token}"})


def identity_of(node: RunningNode) -> dict[str, Any]:
    with node.owner(TENANT) as door:
        found: dict[str, Any] = door.get("/v1/health/components/identity").raise_for_status().json()
    return found


def test_a_token_is_taken_and_a_changed_file_counts_without_a_restart(node: RunningNode, keys: Path) -> None:
    old, new = Issuer(), Issuer.other(ISSUER, "key-2")
    now = dt.datetime.now(dt.UTC)
    answer = me(node, old.token(now, tenant_id=TENANT))
    assert (answer.status_code, answer.json()["role"]) == (200, "operator")

    write_keys(keys, new)
    node.wait_for(lambda: me(node, new.token(now, tenant_id=TENANT)).status_code == 200, "the new key", seconds=20)
    assert me(node, old.token(now, tenant_id=TENANT, jti="2")).status_code == 401

    keys.write_text("")
    node.wait_for(lambda: identity_of(node)["state"] == "degraded", "health to say so", seconds=20)
    assert "last good keys" in identity_of(node)["detail"]
    assert me(node, new.token(now, tenant_id=TENANT, jti="3")).status_code == 200
