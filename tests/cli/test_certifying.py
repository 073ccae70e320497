"""`outpost tls`: from a plain node on loopback to one that a plant reaches over TLS."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx
import pytest

from tests.cli.shell import outpost
from tests.node import RunningNode, with_own_password
from tests.tls.plant_authority import PlantAuthority


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a node that has run once and is stopped."""
    data = tmp_path_factory.mktemp("tls") / "data"
    with RunningNode(data, demo=False):
        pass
    return data


def test_a_node_serves_its_plant_over_tls_once_it_has_a_certificate(data: Path) -> None:
    made = outpost("tls", "init", "node.plant.example", "--data", data, "--json")
    assert made.code == 0
    assert {"node.plant.example", "127.0.0.1", "localhost"} <= set(made.json["names"])

    with RunningNode(data, demo=False, host="0.0.0.0") as node:
        url = node.url.replace("http:", "https:")
        # What an installer of a kiosk does: fetch it unseen, and compare the fingerprint with the one shown at the node.
        pem = httpx.get(f"{url}/v1/tls/ca", verify=False).raise_for_status().text
        assert pem == made.json["authority_pem"]
        trusting = ssl.create_default_context(cadata=pem)
        who = next(one for one in node.credentials() if one["role"] == "viewer")
        body = {name: who[name] for name in ("tenant", "username", "password")}
        with httpx.Client(verify=trusting, base_url=url, timeout=60) as client:
            headers = {"authorization": f"Bearer {with_own_password(client, **body)[1]}"}
            client.get("/v1/documents", headers=headers).raise_for_status()
            sent = client.get("/v1/auth/oidc/plant/start").headers["location"]
            assert sent.startswith(f"https://0.0.0.0:{node.port}/console#refused=")
        with node.owner() as door:
            found = door.get("/v1/health/components/tls").raise_for_status().json()
        assert found["state"] == "ok"
        assert "days left" in found["detail"]
        with pytest.raises(httpx.TransportError):
            httpx.get(node.url)
        assert "https://" in node.log_tail()
        doctor = {one["subject"]: one for one in outpost("doctor", "--data", data, "--json").json}
        assert doctor["tls"]["state"] == "ok"


def test_what_is_shown_is_what_a_kiosk_compares(data: Path) -> None:
    made = outpost("tls", "init", "--new-ca", "--data", data, "--json")
    shown = outpost("tls", "show", "--data", data)

    assert made.json["authority"] in shown.out
    assert outpost("tls", "init", "10.9.9.9", "--data", data, "--json").json["authority"] == made.json["authority"]


def test_a_name_that_is_none_is_wrong_use(data: Path) -> None:
    ended = outpost("tls", "init", "not a host", "--data", data)

    assert (ended.code, ended.out) == (2, "")


def test_the_plants_certificate_is_taken_only_with_a_key_that_is_its_owners_alone(data: Path, tmp_path: Path) -> None:
    files = PlantAuthority().issue(tmp_path)
    words = ("--certificate", files.certificate, "--key", files.key, "--ca", files.authority, "--data", data, "--json")

    assert outpost("tls", "use", "node.plant.example", *words).json["issued_by"] == "plant"
    assert outpost("tls", "use", "elsewhere.example", *words).json["code"] == "certificate-refused"
    assert outpost("tls", "use", "--listen", "10.0.0.9:8443", *words).json["code"] == "certificate-refused"
    files.key.chmod(0o644)
    ended = outpost("tls", "use", *words)
    assert ended.json["code"] == "certificate-refused"
    assert "chmod 600" in ended.json["hint"]


def test_there_is_nothing_to_show_where_there_is_no_node(tmp_path: Path) -> None:
    assert outpost("tls", "show", "--data", tmp_path, "--json").json["code"] == "no-node-here"
