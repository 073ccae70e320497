"""`python -m demo.worded FILE`: how many sentences of a bench the gate for worded sentences releases, by kind.

FILE is a JSON list of `{"id", "question", "passages", "sentence", "true", "kind"}`. A passage is `{"text", "assets"}`, or
`{"file", "ordinal"}`: that passage of a document in force of the demo plant, parsed and chunked as ingest does it. Or it has
a line each of `{"question", "passages", "true": [sentences], "false": [sentences]}` (`.jsonl`).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from appliance.answers.sources import Passage
from appliance.answers.worded import released
from appliance.documents.chunking import chunk
from demo.tune.library import parsed_file, token_counter

MODELS = Path(sys.prefix) / "share" / "outpost" / "models"
PLANT = Path(__file__).parent / "plant"


class NoSuchPassage(ValueError):
    """A case names a passage that no document in force of the demo plant has."""


class Plant:
    """The passages of the demo plant's documents in force, each document parsed when it is first asked for."""

    def __init__(self, folder: Path = PLANT, models: Path = MODELS) -> None:
        self._count = token_counter(models)
        self._files: dict[str, tuple[Path, tuple[str, ...]]] = {}
        for path in sorted(folder.glob("*/manifest.json")):
            listed = json.loads(path.read_text(encoding="utf-8"))["files"]
            replaced = {item["metadata"].get("supersedes") for item in listed}
            for item in listed:
                if item["path"] not in replaced:
                    self._files[item["path"]] = (path.parent, tuple(item["metadata"].get("assets", ())))
        self._passages = cache(self._chunked)

    def passage(self, file: str, ordinal: int) -> Passage:
        """One passage of a document.

        Raises:
            NoSuchPassage: no document in force has it.
        """
        if file not in self._files:
            raise NoSuchPassage(f"{file} is no document in force of the demo plant")
        found = self._passages(file)
        if not 0 <= ordinal < len(found):
            raise NoSuchPassage(f"{file} has {len(found)} passages, and none of number {ordinal}")
        return found[ordinal]

    def _chunked(self, file: str) -> tuple[Passage, ...]:
        folder, assets = self._files[file]
        parsed = parsed_file(folder, file)
        return tuple(Passage(one.text, assets) for one in chunk(parsed.blocks, self._count))


def read(file: Path) -> list[dict[str, Any]]:
    """The cases of a file of either form."""
    text = file.read_text(encoding="utf-8")
    if file.suffix != ".jsonl":
        found: list[dict[str, Any]] = json.loads(text)
        return found
    groups = [json.loads(line) for line in text.splitlines()]
    return [
        {**group, "sentence": sentence, "true": true, "kind": "elsewhere"}
        for group in groups
        for true in (True, False)
        for sentence in group["true" if true else "false"]
    ]


def scores(cases: Sequence[Mapping[str, Any]], plant: Plant | None = None) -> dict[tuple[bool, str], tuple[int, int]]:
    """For each kind of true and of false sentences how many are released, and of how many."""
    made: dict[tuple[bool, str], tuple[int, int]] = {}
    for case in cases:
        passages: list[Passage] = []
        for one in case["passages"]:
            if "text" in one:
                passages.append(Passage(one["text"], tuple(one["assets"])))
            else:
                plant = plant or Plant()
                passages.append(plant.passage(one["file"], one["ordinal"]))
        key = (bool(case["true"]), str(case["kind"]))
        kept, of = made.get(key, (0, 0))
        made[key] = (kept + released(case["question"], passages, case["sentence"]).released, of + 1)
    return made


def table(found: Mapping[tuple[bool, str], tuple[int, int]]) -> str:
    lines = [f"{'':5} {'kind':32} {'released':>8} {'of':>5}"]
    for true in (True, False):
        word = "true" if true else "false"
        kinds = [(kind, counts) for (is_true, kind), counts in sorted(found.items()) if is_true == true]
        for kind, (kept, of) in [*kinds, ("all", (sum(k for _, (k, _) in kinds), sum(n for _, (_, n) in kinds)))]:
            lines.append(f"{word:5} {kind:32} {kept:8} {of:5}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.worded", description=__doc__)
    parser.add_argument("file", type=Path)
    print(table(scores(read(parser.parse_args().file))))


if __name__ == "__main__":
    main()
