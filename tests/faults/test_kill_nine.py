"""What was acknowledged survives `kill -9`, whichever process it hits. `make faults` does two hundred."""

from __future__ import annotations

from pathlib import Path

from tests.faults.kills import kill_again_and_again, missing, verify
from tests.node import RunningNode


def test_nothing_acknowledged_is_lost_when_processes_are_killed_twenty_times(tmp_path: Path) -> None:
    with RunningNode(tmp_path / "node", demo=True) as node:
        ledger = kill_again_and_again(node, kills=20, seed=7)

        assert len(ledger) >= 20, "the load was too light to prove anything"
        assert missing(node, ledger) == []
        verdict = verify(node)
        assert verdict.returncode == 0, verdict.stdout + verdict.stderr
