"""`make smoke` and `make eval`: the path of `make run` in a directory of its own."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.node import ROOT, RunningNode, demo_counts

OUTPOST = [sys.executable, "-m", "appliance.cli"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--eval", action="store_true", help="score every golden question instead of asking one")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="outpost-smoke-") as folder:
        data = Path(folder) / "node"
        started = time.monotonic()
        with RunningNode(data, demo=True) as node:
            print(f"smoke: ready after {time.monotonic() - started:.1f} s", flush=True)
            for tenant, count in demo_counts().items():
                node.wait_for_documents(tenant, count)
                print(f"smoke: {count} documents of {tenant} after {time.monotonic() - started:.0f} s", flush=True)
            code = _score(data) if arguments.eval else _ask_one(data)
        print("smoke: stopped", flush=True)
    return code


def _score(data: Path) -> int:
    """The golden questions, whose aims decide; then those that nobody who wrote a rule had seen, to tell how far to trust
    the first figures.
    """
    codes = [
        subprocess.run(
            [*OUTPOST, "eval", f"demo/{name}.json", "--failures", "--data", str(data)], cwd=ROOT, check=False
        ).returncode
        for name in ("golden", "unseen")
    ]
    return codes[0]


def _ask_one(data: Path) -> int:
    golden = json.loads((ROOT / "demo" / "golden.json").read_text())
    question = next(one for one in golden if one["kind"] == "answerable" and one["category"] == "fact")
    command = [*OUTPOST, "ask", question["question"], "--tenant", question["tenant"], "--json", "--data", str(data)]
    answer = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    cited = [citation["filename"] for citation in answer["citations"]]
    print(f"smoke: {question['question']}\nsmoke: {answer['answer']}\nsmoke: {cited}", flush=True)
    if answer["kind"] != "quoted" or cited[:1] != [question["document"]]:
        print(f"smoke: expected {question['document']}", file=sys.stderr)
        return 1
    return subprocess.run([*OUTPOST, "audit", "verify", "--data", str(data)], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
