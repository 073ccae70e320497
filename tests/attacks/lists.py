"""Public lists of payloads beside the project, as many of each as this run is to try.

A test run tries some of each list; `make attacks` sets `ATTACKS=deep` and tries all of it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.node import ROOT

DEEP = os.environ.get("ATTACKS") == "deep"
DATA = Path(os.environ.get("ATTACKS_DATA", ROOT.parent / "shared" / "data"))
PAYLOADS = DATA / "payloads_all_the_things"
SOME = 24
"""Of each family, spread over the whole list; the lists repeat themselves."""


def family(folder: str, *names: str) -> list[str]:
    """Payloads of one family, in the order of its files; skipped aloud where the lists are not here."""
    if not PAYLOADS.is_dir():
        pytest.skip(f"{PAYLOADS} is not here")
    files = [PAYLOADS / folder / name for name in names]
    lines = [line for file in files for line in file.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    return lines if DEEP else lines[:: max(1, len(lines) // SOME)]
