"""`outpost sign-in`, on a running node."""

from __future__ import annotations

import json
from pathlib import Path

from tests.api.plant import TENANT, Plant
from tests.cli.shell import outpost
from tests.identity.federation.saml_idp import ENTITY, SamlIdp

REFUSED_INPUT, WRONG = 2, 1


def test_providers_are_set_shown_and_tested(plant: Plant, tmp_path: Path) -> None:
    where = ("--data", plant.node.data, "--tenant", TENANT)
    file = tmp_path / "sign-in.json"
    saml = {"title": "Plant account", "issuer": ENTITY, "sso_url": "https://adfs.example.plant/adfs/ls/"}
    oidc = {"title": "Works login", "issuer": "https://login.example.plant/", "client_id": "outpost"}
    file.write_text(json.dumps({"oidc": oidc, "saml": saml | {"certificates": [SamlIdp().pem]}}))

    try:
        made = outpost("sign-in", "set", file, "--ask-secret", *where, "--json", typed="s3cr3t\n")
        assert made.code == 0, made.out
        assert made.json["oidc"]["has_secret"] is True
        assert "s3cr3t" not in made.out

        shown = outpost("sign-in", "show", *where)
        assert shown.code == 0
        assert "Works login" in shown.out
        assert f"/v1/auth/saml/{TENANT}/acs" in shown.out

        tested = outpost("sign-in", "test", *where)
        assert tested.code == WRONG
        assert "bad  oidc issuer: login.example.plant:443 is not among" in tested.out
        assert "ok   saml certificate: number 7, until 2020-01-01, which is over" in tested.out

        file.write_text(outpost("sign-in", "show", *where, "--json").out)
        again = outpost("sign-in", "set", file, *where, "--json")
        assert (again.code, again.json["oidc"]["has_secret"]) == (0, True)
    finally:
        file.write_text("{}")
        assert outpost("sign-in", "set", file, *where).code == 0


def test_a_file_that_cannot_be_used_changes_nothing(plant: Plant, tmp_path: Path) -> None:
    where = ("--data", plant.node.data, "--tenant", TENANT)
    file = tmp_path / "sign-in.json"
    for text in (
        "no json",
        "[]",
        '{"oidc": {}}',
        '{"okta": {}}',
        '{"oidc": {"title": "x", "issuer": "http://a/", "client_id": "x"}}',
    ):
        file.write_text(text)
        assert outpost("sign-in", "set", file, *where).code == REFUSED_INPUT

    assert outpost("sign-in", "set", tmp_path / "nowhere", *where).code == REFUSED_INPUT
    assert outpost("sign-in", "show", *where, "--json").json == {"oidc": None, "saml": None}
