"""Somebody wants a secret back out of the vault: by the API, the record, the log, a refusal, or the description of errors."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.api.conftest import plant
from tests.api.plant import Plant, problem_of
from tests.cli.shell import outpost
from tests.node import ROOT

pytestmark = pytest.mark.one_try

__all__ = ["plant"]
SECRET = "Gr1ndstone-of-the-mes"
PATH = "/v1/admin/vault"


@pytest.fixture
def kept(plant: Plant) -> str:
    """The name of a secret that was put in over the API."""
    answer = plant.person("admin").put(f"{PATH}/mes", json={"value": SECRET})
    assert SECRET not in answer.raise_for_status().text
    return "mes"


def test_nothing_that_is_answered_holds_the_value(plant: Plant, kept: str) -> None:
    admin = plant.person("admin")
    rotated = admin.post(f"{PATH}/{kept}/rotate", json={"value": SECRET + "2", "grace_seconds": 60})
    listed = admin.get(PATH)

    assert rotated.raise_for_status().json()["before_until"]
    assert kept in [one["name"] for one in listed.raise_for_status().json()["items"]]
    assert SECRET not in rotated.text + listed.text
    assert admin.get(f"{PATH}/{kept}").status_code == 405


def test_a_refusal_does_not_say_what_was_refused(plant: Plant) -> None:
    admin = plant.person("admin")
    long = SECRET * 1000
    for answer in (
        admin.put(f"{PATH}/mes", json={"value": long}),
        admin.put(f"{PATH}/mes", json={"value": {"is": SECRET}}),
        admin.put(f"{PATH}/mes", json={"value": SECRET, SECRET: 1}),
        admin.post(f"{PATH}/mes/rotate", json={"value": SECRET, "grace_seconds": SECRET}),
        admin.put(f"{PATH}/UPPER", json={"value": SECRET}),
        admin.post(f"{PATH}/never-there/rotate", json={"value": SECRET}),
    ):
        assert answer.status_code in (400, 404)
        # A field that nobody knows is named; its name is not what was to be kept.
        if SECRET not in answer.request.content.decode().partition(":")[0]:
            assert f'"{SECRET}"' not in json.dumps([one.get("why") for one in problem_of(answer).get("fields", [])])
        assert SECRET not in problem_of(answer)["detail"]


@pytest.mark.parametrize("role", ["operator", "viewer"])
def test_the_vault_is_for_admins(plant: Plant, kept: str, role: str) -> None:
    who = plant.person(role)
    for answer in (
        who.get(PATH),
        who.put(f"{PATH}/{kept}", json={"value": "replaced by me"}),
        who.delete(f"{PATH}/{kept}"),
        who.post(f"{PATH}/{kept}/rotate", json={"value": "replaced by me"}),
    ):
        assert answer.status_code == 403
        assert problem_of(answer)["code"] == "policy-denied"


def test_the_record_names_the_secret_and_keeps_nothing_of_its_value(plant: Plant, kept: str) -> None:
    records = plant.person("admin").get("/v1/audit", params={"event_type": "vault.manage"})
    text = records.raise_for_status().text

    assert kept in text
    assert "secret_version" in text
    assert SECRET not in text
    assert SECRET not in plant.node._log.read_text(errors="replace")


def test_a_secret_is_typed_and_never_a_word_of_the_command(plant: Plant) -> None:
    data = plant.node.data
    made = outpost("vault", "set", "crm.api", "--data", data, "--json", typed=f"{SECRET}\n")
    turned = outpost("vault", "rotate", "crm.api", "--grace-hours", "1", "--data", data, typed=f"{SECRET}3\n")
    shown = outpost("vault", "list", "--data", data)
    as_word = outpost("vault", "set", "crm.api", SECRET, "--data", data)

    assert made.json["version"] == 1
    assert "version 2" in turned.out
    assert "crm.api" in shown.out
    assert SECRET not in made.out + turned.out + shown.out
    assert as_word.code == 2
    assert outpost("vault", "remove", "crm.api", "--data", data, "--json").json == {"removed": "crm.api"}
    assert outpost("vault", "remove", "crm.api", "--data", data, "--json").json["code"] == "no-such-secret"


SAYS = f"""
import logging, structlog
from appliance.logs import Scrubber, configure
scrubber = Scrubber()
configure("info", "web", scrubber)
log = structlog.get_logger("x")
scrubber.secrets.learn({SECRET!r})
class Odd:
    def __repr__(self): return "Odd({SECRET})"
log.warning("refused {SECRET}", url="http://mes/?k={SECRET}", headers={{"a": ["Basic {SECRET}"]}}, count=3, odd=Odd())
logging.getLogger("library").warning("sent %s", {SECRET!r})
"""


def test_the_log_leaves_out_what_the_vault_knows_wherever_it_stands() -> None:
    done = subprocess.run([sys.executable, "-c", SAYS], cwd=ROOT, capture_output=True, text=True, check=True)

    assert SECRET not in done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["count"] for line in lines if "count" in line] == [3]
    assert len(lines) == 2
