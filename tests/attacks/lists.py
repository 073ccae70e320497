"""Public lists of payloads beside the project, as many of each as this run is to try.

A test run tries some of each list. `make attacks` sets `ATTACKS=deep` and tries all of it, each payload in a few places;
`python -m tests.attacks --all` tries each in every place, which takes hours.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.node import ROOT

ALL = os.environ.get("ATTACKS") == "all"
DEEP = ALL or os.environ.get("ATTACKS") == "deep"
DATA = Path(os.environ.get("ATTACKS_DATA", ROOT.parent / "shared" / "data"))
PAYLOADS = DATA / "payloads_all_the_things"
SOME = 24
"""Of each family, spread over the whole list; the lists repeat themselves."""


def spread(payloads: list[str], most: int = SOME) -> list[str]:
    """Some of them, from the whole list: for what takes long to try."""
    return payloads[:: -(-len(payloads) // most) or 1]


def family(folder: str, *names: str) -> list[str]:
    """Payloads of one family, in the order of its files; skipped aloud where the lists are not here."""
    if not PAYLOADS.is_dir():
        pytest.skip(f"{PAYLOADS} is not here")
    files = [PAYLOADS / folder / name for name in names]
    lines = [line for file in files for line in file.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    return lines if DEEP else spread(lines)
