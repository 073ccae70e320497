"""The table of `make attacks` says no when something was let through, and when it would be empty by mistake."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
HEAD = """
from tests.attacks.conftest import _tallied
from tests.attacks.tally import attempt, tried
"""


def table(folder: Path, name: str, body: str) -> tuple[int, dict[str, Any], str]:
    """Run one file of attacks: exit code, its row, what was said beside."""
    file = folder / f"test_{name}.py"
    file.write_text(HEAD + body)
    command = [sys.executable, "-m", "tests.attacks", "--json", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    return done.returncode, rows[name], done.stderr


def test_what_was_refused_is_counted(tmp_path: Path) -> None:
    body = "def test_a():\n    tried(3)\n    with attempt():\n        assert True\n"
    code, row, _ = table(tmp_path, "quiet", body)

    assert (code, row["tries"], row["refused"], row["let_through"]) == (0, 4, 4, 0)


@pytest.mark.parametrize(
    ("body", "tries", "refused"),
    [
        ("def test_a():\n    tried(2)\n    with attempt():\n        assert False\n", 3, 2),
        ("def test_a():\n    tried(2)\n    assert False\n", 2, 2),
        ("def test_a():\n    assert False\n", 0, 0),
    ],
)
def test_what_was_let_through_fails_the_run(tmp_path: Path, body: str, tries: int, refused: int) -> None:
    code, row, _ = table(tmp_path, "open", body)

    assert (code, row["tries"], row["refused"], row["let_through"]) == (1, tries, refused, 1)


def test_a_kind_that_counts_nothing_is_an_error(tmp_path: Path) -> None:
    code, row, said = table(tmp_path, "silent", "def test_a():\n    assert True\n")

    assert (code, row["tries"], row["let_through"]) == (1, 0, 0)
    assert "these count nothing, which is an error: silent" in said


def test_a_kind_whose_data_is_not_here_is_told_apart_from_one_that_is_silent(tmp_path: Path) -> None:
    code, row, _ = table(tmp_path, "elsewhere", "import pytest\n\ndef test_a():\n    pytest.skip('no data')\n")

    assert (code, row["tries"], row["skipped"]) == (0, 0, 1)


def test_every_file_of_attacks_counts_what_it_tries() -> None:
    counts = re.compile(r"pytest\.mark\.one_try|from tests\.attacks\.tally import|import \w*lists|tally")
    files = sorted((ROOT / "tests" / "attacks").glob("test_*.py"))

    assert len(files) > 40
    assert [file.name for file in files if not counts.search(file.read_text(encoding="utf-8"))] == []
