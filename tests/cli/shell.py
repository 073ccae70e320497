"""`outpost` as a person runs it: a process, its words, its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.node import ROOT

OUTPOST = [sys.executable, "-m", "appliance.cli"]


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def outpost(*words: str | Path, environment: dict[str, str] | None = None, typed: str = "") -> Ended:
    """Run a command to its end, with the repository as the place where it stands and `typed` on its standard input."""
    done = subprocess.run(
        [*OUTPOST, *map(str, words)],
        cwd=ROOT,
        env=os.environ | (environment or {}),
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
