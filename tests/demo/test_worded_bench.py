"""The bench of worded sentences scores the gate by kind, over passages given whole or by file and ordinal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from demo.worded import NoSuchPassage, Plant, scores
from tests.node import ROOT

ROW = {"text": "Bolt: M10 | Torque: 47 Nm\nBolt: M12 | Torque: 84 Nm", "assets": []}


def case(sentence: str, kind: str, passage: dict[str, Any], *, true: bool) -> dict[str, Any]:
    question = "Torque of the M12 bolts?"
    return {"id": "a", "question": question, "passages": [passage], "sentence": sentence, "true": true, "kind": kind}


def test_released_sentences_are_counted_by_kind(tmp_path: Path) -> None:
    cases = [
        case("The M12 bolts are tightened to 84 Nm.", "verbatim", ROW, true=True),
        case("The M12 bolts are tightened to 47 Nm.", "neighbour", ROW, true=False),
    ]
    assert scores(cases) == {(True, "verbatim"): (1, 1), (False, "neighbour"): (0, 1)}

    bench = tmp_path / "bench.json"
    bench.write_text(json.dumps(cases), encoding="utf-8")
    command = [sys.executable, "-m", "demo.worded", str(bench)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.split() for line in told[1:]] == [
        ["true", "verbatim", "1", "1"],
        ["true", "all", "1", "1"],
        ["false", "neighbour", "0", "1"],
        ["false", "all", "0", "1"],
    ]


def test_a_passage_is_found_by_file_and_ordinal_in_a_document_in_force() -> None:
    plant = Plant()
    passage = plant.passage("TT-002-torque-table-r3.md", 0)
    assert passage.text
    assert "FL-200" in passage.assets
    with pytest.raises(NoSuchPassage):
        plant.passage("TT-002-torque-table-r3.md", 999)
    with pytest.raises(NoSuchPassage):
        plant.passage("TT-002-torque-table-r2.md", 0)
