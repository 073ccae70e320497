"""A figure, the table they make, and the file they leave."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.node import ROOT


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `peer` is what it stands beside in the same run, `ratio` their quotient."""

    figure: str
    value: float
    unit: str
    peer: str | None = None
    ratio: float | None = None
    aim: str | None = None
    met: bool | None = None


def quantile(values: Sequence[float], q: float) -> float:
    """The smallest value that at least the share `q` of `values` does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(q * len(ordered)) - 1))]


def report(target: str, figures: Sequence[Figure]) -> Path:
    """Print the table and write `var/bench/<target>.json`."""
    table = Table(title=f"bench: {target}", title_justify="left")
    for column in ("figure", "value", "beside", "ratio", "aim", "met"):
        table.add_column(column, justify="right" if column in {"value", "ratio"} else "left")
    for one in figures:
        met = {True: "yes", False: "no", None: ""}[one.met]
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
        table.add_row(one.figure, f"{one.value:,.2f} {one.unit}", one.peer or "", ratio, one.aim or "", met)
    Console(width=150).print(table)
    path = ROOT / "var" / "bench" / f"{target}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(one) for one in figures], indent=2) + "\n")
    return path
