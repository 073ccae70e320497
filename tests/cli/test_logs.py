"""The log is for machines and strangers: one JSON line per fact, and never what somebody said."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from appliance.logs import KEPT_BYTES, Scrubber, last_lines
from appliance.policy.patterns import PlantPattern
from tests.node import ROOT

SAYS = """
import logging, structlog
from appliance.logs import configure
configure("info", "web")
log = structlog.get_logger("x")
log.info("a fact", count=3)
log.debug("not at this level")

def inner():
    raise ValueError("Nora asked about Zwiebelgrease")

try:
    try:
        inner()
    except ValueError as error:
        raise KeyError("Zwiebelgrease") from error
except KeyError as error:
    log.error("it failed", exc_info=error)
    log.exception("again")
    logging.getLogger("library").error("a library failed", exc_info=True)
logging.getLogger("library").info("chatter")
logging.getLogger("library").warning("no mail to nora@plant.example with password=Zwiebelgrease1 from P-101A")
"""


def logged() -> list[dict[str, Any]]:
    done = subprocess.run([sys.executable, "-c", SAYS], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert "Zwiebelgrease" not in done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_a_line_is_a_fact_with_its_process_and_its_moment() -> None:
    fact = logged()[0]

    assert (fact["event"], fact["count"], fact["process"], fact["level"]) == ("a fact", 3, "web", "info")
    assert fact["timestamp"].endswith("Z")


def test_an_exception_is_told_by_its_kind_and_its_place_without_its_words() -> None:
    lines = logged()

    assert [line["event"] for line in lines][:4] == ["a fact", "it failed", "again", "a library failed"]
    for line in lines[1:4]:
        assert [step.split(" at ")[0] for step in line["trace"]] == ["KeyError", "ValueError"]
        assert line["level"] == "error"


def test_what_a_library_quotes_of_people_and_secrets_is_taken_out_and_the_plants_tags_stay() -> None:
    assert logged()[-1]["event"] == "no mail to [EMAIL_ADDRESS] with password=[SECRET] from P-101A"


def test_what_a_plant_calls_personal_is_taken_out_however_deep_it_stands() -> None:
    scrubber = Scrubber()
    scrubber.plants = lambda: (PlantPattern("EMPLOYEE_ID", r"E-\d{6}"),)

    said = scrubber.clean(
        {"detail": "E-204117 is nobody here", "who": ["E-204117", {"mail": "nora@plant.example"}], "n": 3}
    )

    assert said == {
        "detail": "[EMPLOYEE_ID] is nobody here",
        "who": ["[EMPLOYEE_ID]", {"mail": "[EMAIL_ADDRESS]"}],
        "n": 3,
    }


def test_the_last_lines_are_kept_beside_and_their_files_never_grow_beyond_their_size(tmp_path: Path) -> None:
    kept = tmp_path / "logs"
    says = f"""
from pathlib import Path
import structlog
from appliance.logs import configure
configure("info", "web", kept=Path({str(kept)!r}))
log = structlog.get_logger("x")
for number in range(4000):
    log.info("a fact of some length, so that files fill and make room for what comes after them", number=number)
"""
    done = subprocess.run([sys.executable, "-c", says], cwd=ROOT, capture_output=True, text=True, check=True)

    said = [json.loads(line) for line in done.stderr.splitlines()]
    assert [one["number"] for one in said] == list(range(4000))
    assert sorted(path.name for path in kept.iterdir()) == ["web.jsonl", "web.jsonl.1"]
    assert all(path.stat().st_size <= KEPT_BYTES and not path.stat().st_mode & 0o077 for path in kept.iterdir())
    assert last_lines(kept) == said[-500:]


def test_a_place_that_takes_no_lines_costs_nothing_but_them(tmp_path: Path) -> None:
    says = SAYS.replace('"web")', f'"web", kept=__import__("pathlib").Path({str(tmp_path / "no" / "where")!r}))')
    done = subprocess.run([sys.executable, "-c", says], cwd=ROOT, capture_output=True, text=True, check=True)

    assert "a fact" in done.stderr
    assert not list(tmp_path.iterdir())
