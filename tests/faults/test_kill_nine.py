"""What was acknowledged survives `kill -9`, whichever process it hits. `make faults` does two hundred."""

from __future__ import annotations

from pathlib import Path

from tests.faults.counted import DEEP, KILLS, Count
from tests.faults.kills import kill_again_and_again, missing, verify
from tests.node import RunningNode, demo_counts


def test_nothing_acknowledged_is_lost_when_processes_are_killed_again_and_again(tmp_path: Path, counted: Count) -> None:
    with RunningNode(tmp_path / "node", demo=True) as node:
        if DEEP:
            for tenant, count in demo_counts().items():
                node.wait_for_documents(tenant, count)
        counted.tries = KILLS if DEEP else 20
        ledger = kill_again_and_again(node, kills=counted.tries, seed=7)

        counted.acknowledged = len(ledger)
        counted.note(missing(node, ledger))
        assert len(ledger) >= 20, "the load was too light to prove anything"
        assert counted.lost == []
        verdict = verify(node)
        assert verdict.returncode == 0, verdict.stdout + verdict.stderr
