"""A disk that takes nothing ends no program, loses nothing, and is told of; when it takes again, work goes on by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import filling
from tests.faults.counted import DEEP, Count
from tests.faults.disks import gone_and_back
from tests.node import RunningNode


def test_without_its_disk_a_node_refuses_says_why_and_goes_on_by_itself(tmp_path: Path, counted: Count) -> None:
    with RunningNode(tmp_path / "node", demo=False) as node:
        found = gone_and_back(node, 20 if DEEP else 2)
    counted.tries, counted.acknowledged = found.tries, len(found.acknowledged)
    counted.lost, counted.wrong = found.lost, found.wrong

    assert (found.lost, found.wrong) == ([], [])
    assert len(found.acknowledged) == 2 * found.tries
    assert {one["code"] for one in found.refused} == {"record-unavailable"}
    assert all("disk" in one["detail"] for one in found.refused)


@pytest.mark.skipif(not filling.possible(), reason="this machine lets nobody have a disk of their own")
def test_on_a_full_disk_people_are_answered_and_recorded_from_room_that_was_kept(
    tmp_path: Path, counted: Count
) -> None:
    found = filling.filled(tmp_path)
    counted.tries, counted.acknowledged = found.tries, len(found.acknowledged)
    counted.lost, counted.wrong = found.lost, found.wrong

    assert (found.lost, found.wrong) == ([], [])
