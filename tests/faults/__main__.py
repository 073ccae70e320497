"""`make faults`: many seeded kills under load, printed as they happen."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.faults import worker_kills
from tests.faults.kills import kill_again_and_again, missing, verify
from tests.node import RunningNode, demo_counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=20260)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="outpost-faults-") as folder:
        workers = worker_kills.main(arguments.kills, arguments.seed, Path(folder))
    with (
        tempfile.TemporaryDirectory(prefix="outpost-faults-") as folder,
        RunningNode(Path(folder) / "node", demo=True) as node,
    ):
        for tenant, count in demo_counts().items():
            node.wait_for_documents(tenant, count)
        print(f"faults: {arguments.kills} kills, seed {arguments.seed}", flush=True)
        started = time.monotonic()
        ledger = kill_again_and_again(
            node, kills=arguments.kills, seed=arguments.seed, say=lambda text: print(f"faults: {text}", flush=True)
        )
        lost = missing(node, ledger)
        verdict = verify(node)
        print(verdict.stdout + verdict.stderr)
        minutes = (time.monotonic() - started) / 60
        print(f"faults: {len(ledger)} acknowledged, {len(lost)} lost, {minutes:.1f} minutes")
        for one in lost[:20]:
            print(f"faults: lost {one}")
    return 1 if lost or verdict.returncode or workers else 0


if __name__ == "__main__":
    sys.exit(main())
