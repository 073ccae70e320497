"""Runs every attack and prints what came of it: `make attacks`.

python -m tests.attacks [--data DIR] [--all] [--json] [TEST …]

A kind is a file of attacks. It counts what its tests say that they tried (`tests.attacks.tally`); a kind that says
nothing is an error, for a table that is empty by mistake looks like one that is empty for good reason. The exit code
is 1 when anything was let through, when a kind says nothing, and when a test failed or could not run.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).parent


@dataclass
class Kind:
    """What the tests of one file say. `skipped` are those that lack the data they need."""

    name: str
    tests: int = 0
    tries: int = 0
    refused: int = 0
    skipped: int = 0
    failed: list[str] = field(default_factory=list)

    @property
    def let_through(self) -> int:
        """A test that failed has let one through at least, whatever it counted."""
        return max(self.tries - self.refused, len(self.failed))

    @property
    def silent(self) -> bool:
        return self.tries == 0 and self.skipped < self.tests


class Counting:
    """Listens to pytest; `kinds` by file."""

    def __init__(self) -> None:
        self.kinds: dict[str, Kind] = defaultdict(lambda: Kind(""))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        file = Path(report.nodeid.partition("::")[0])
        kind = self.kinds[file.stem]
        kind.name = file.stem.removeprefix("test_").replace("_", " ")
        if report.failed:
            kind.failed.append(f"{report.nodeid} ({report.when})")
        kind.skipped += report.skipped
        if report.when == "teardown":
            kind.tests += 1
            counted = dict(report.user_properties)
            kind.tries += int(str(counted.get("tries", 0)))
            kind.refused += int(str(counted.get("refused", 0)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder with the public lists of payloads; all of each is tried")
    parser.add_argument("--all", action="store_true", help="each payload through every parameter: hours")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    parser.add_argument("tests", nargs="*", help="only these, as pytest names them")
    arguments = parser.parse_args()
    os.environ["ATTACKS"] = "all" if arguments.all else "deep"
    if arguments.data is not None:
        os.environ["ATTACKS_DATA"] = str(arguments.data.resolve())
    counting = Counting()
    quiet = ["-q", "--no-header", "--tb=short", "-p", "no:cacheprovider"]
    # What pytest says goes to the error stream: the table, or the JSON, stands alone.
    out, sys.stdout = sys.stdout, sys.stderr
    code = pytest.main([*quiet, *(arguments.tests or [str(FOLDER)])], plugins=[counting])
    sys.stdout = out
    kinds = sorted(counting.kinds.values(), key=lambda kind: kind.name)
    _show(kinds, as_json=arguments.json)
    silent = [kind.name for kind in kinds if kind.silent]
    if silent:
        print(f"these count nothing, which is an error: {', '.join(silent)}", file=sys.stderr)
    return 1 if code or silent or not kinds or any(kind.let_through for kind in kinds) else 0


def _show(kinds: list[Kind], *, as_json: bool) -> None:
    total = Kind("all")
    for kind in kinds:
        for name in ("tests", "tries", "refused", "skipped"):
            setattr(total, name, getattr(total, name) + getattr(kind, name))
        total.failed += kind.failed
    if as_json:
        print(json.dumps([asdict(kind) | {"let_through": kind.let_through} for kind in [*kinds, total]], indent=2))
        return
    table = Table("attack", box=None, pad_edge=False)
    for column in ("tries", "refused", "let through", "skipped tests"):
        table.add_column(column, justify="right")
    for kind in kinds:
        table.add_row(*_cells(kind))
    table.add_section()
    table.add_row(*_cells(total))
    Console(file=sys.stdout, highlight=False, width=100).print(table)


def _cells(kind: Kind) -> tuple[str, ...]:
    return kind.name, str(kind.tries), str(kind.refused), str(kind.let_through), str(kind.skipped or "")


if __name__ == "__main__":
    sys.exit(main())
