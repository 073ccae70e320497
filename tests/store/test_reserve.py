"""Room is given up piece by piece while the disk is full, and taken back when there is plenty."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.store.reserve import NAME, PIECES, Reserve, wanted, whole

GIB = 2**30
sizes = st.integers(0, 2**45)


@given(total=sizes, free=sizes, share=st.floats(0, 1))
def test_never_more_is_kept_than_there_should_be_and_none_is_taken_from_a_disk_that_is_nearly_full(
    total: int, free: int, share: float
) -> None:
    held = int(whole(total) * share)
    free = min(free, total)

    due = wanted(held, free=free, total=total)

    assert 0 <= due <= max(held, whole(total))
    if due > held:
        assert free - (due - held) > total // 10


def test_a_disk_that_stays_full_gets_all_of_it() -> None:
    held, rounds = whole(64 * GIB), 0
    while held:
        held, rounds = wanted(held, free=0, total=64 * GIB), rounds + 1

    assert rounds == PIECES


def test_what_was_given_up_is_taken_back_when_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    reserve = Reserve(tmp_path)

    def tended(free: int) -> int:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(total=10 * GIB, free=free))
        reserve.tend()
        return (tmp_path / NAME).stat().st_size

    assert tended(5 * GIB) == whole(10 * GIB)
    assert (tmp_path / NAME).stat().st_blocks * 512 >= whole(10 * GIB), "the room is set aside, not only named"
    assert tended(0) == whole(10 * GIB) - whole(10 * GIB) // PIECES
    assert tended(GIB // 2) == whole(10 * GIB) - whole(10 * GIB) // PIECES
    assert tended(5 * GIB) == whole(10 * GIB)
