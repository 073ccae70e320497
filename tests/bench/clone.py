"""Minutes from a fresh clone to the first answer."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

from tests.bench.figures import Figure
from tests.node import ROOT, free_port

MOST_SECONDS = 1800


def measure(folder: Path) -> list[Figure]:
    """Clone what is committed, `make run` there, and ask until the answer is a quote."""
    checkout = folder / "outpost"
    began = time.monotonic()
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)
    data = folder / "node"
    setup = subprocess.run(["make", "setup"], cwd=checkout, check=False, capture_output=True, text=True)
    if setup.returncode:
        print(setup.stdout[-2000:], setup.stderr[-2000:])
        return []
    set_up = time.monotonic() - began
    outpost = checkout / ".venv" / "bin" / "outpost"
    listen = f"127.0.0.1:{free_port()}"
    node = subprocess.Popen([outpost, "run", "--demo", "--data", data, "--listen", listen], cwd=checkout)
    try:
        question = next(
            one for one in json.loads((ROOT / "demo" / "golden.json").read_text()) if one["category"] == "fact"
        )
        while not _answered(outpost, data, question):
            if time.monotonic() - began > MOST_SECONDS:
                return []
            time.sleep(0.5)
        minutes = (time.monotonic() - began) / 60
    finally:
        node.terminate()
        node.wait(30)
    note = f"set-up {set_up / 60:.1f} min, package cache warm"
    return [Figure("clone to first answer", minutes, "min", note, aim="< 5 min", met=minutes < 5)]


def _answered(outpost: Path, data: Path, question: dict[str, str]) -> bool:
    command: list[str | Path] = [
        outpost,
        "ask",
        question["question"],
        "--tenant",
        question["tenant"],
        "--json",
        "--data",
        data,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode == 0 and json.loads(done.stdout)["kind"] == "quoted"
