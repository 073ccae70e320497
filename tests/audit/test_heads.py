"""The head file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.audit.heads import LINE, HeadFile
from appliance.audit.notes import Checkpoint, Signer
from appliance.audit.values import LogName

signer = Signer(b"s" * 32)
NODE, OTHER = LogName("node/1"), LogName("7e1f0a52-3c39-4d52-9d5b-0a5a2d7f6c11/1")


def note(log: LogName, size: int) -> str:
    return signer.sign(Checkpoint(signer.origin(log), size, bytes([size % 256]) * 32))


def head_file(path: Path) -> HeadFile:
    return HeadFile(path, node_id=signer.node_id, public_key=signer.public_key)


@pytest.fixture
def file(tmp_path: Path) -> HeadFile:
    return head_file(tmp_path / "audit.heads.json")


def sizes(file: HeadFile) -> dict[str, int]:
    return {log: head.checkpoint.size for log, head in file.read().latest.items()}


def test_the_newest_head_of_each_log_is_read_back(file: HeadFile) -> None:
    for size in (1, 2, 5):
        file.write({NODE: note(NODE, size)})
    file.write({OTHER: note(OTHER, 9), NODE: note(NODE, 6)})

    assert sizes(file) == {NODE: 6, OTHER: 9}
    assert file.path.stat().st_size == 4 * LINE


def test_a_missing_file_says_so(file: HeadFile) -> None:
    assert not file.read().present


def test_an_older_head_does_not_replace_a_newer_one(file: HeadFile) -> None:
    file.write({NODE: note(NODE, 9)})
    head_file(file.path).write({NODE: note(NODE, 8)})

    assert sizes(file) == {NODE: 9}


def test_two_writers_share_the_file(file: HeadFile) -> None:
    other = head_file(file.path)
    for size in range(1, 20, 2):
        file.write({NODE: note(NODE, size)})
        other.write({OTHER: note(OTHER, size), NODE: note(NODE, size + 1)})

    assert sizes(file) == {NODE: 20, OTHER: 19}
    assert file.read().damaged == 0


@given(torn=st.integers(0, LINE - 1))
def test_a_torn_write_leaves_the_head_before_it(torn: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = head_file(tmp_path_factory.mktemp("heads") / "audit.heads.json")
    file.write({NODE: note(NODE, 4)})
    before = file.path.read_bytes()
    file.write({NODE: note(NODE, 5)})
    after = file.path.read_bytes()

    file.path.write_bytes(after[: LINE + torn] + before[LINE + torn :])

    assert sizes(file)[NODE] in {4, 5}
    file.write({NODE: note(NODE, 6)})
    assert sizes(file) == {NODE: 6}


def test_a_line_that_nobody_here_signed_is_counted_as_damaged(file: HeadFile) -> None:
    stranger = Signer(b"x" * 32)
    file.write({NODE: note(NODE, 4)})
    file.write({OTHER: stranger.sign(Checkpoint(signer.origin(OTHER), 3, b"f" * 32))})

    heads = file.read()

    assert heads.damaged == 1
    assert set(heads.latest) == {NODE}


def test_a_restart_keeps_every_disputed_head(file: HeadFile) -> None:
    file.write({NODE: note(NODE, 9)})
    lost = file.read().latest[NODE]

    file.restart({NODE: note(NODE, 7), OTHER: note(OTHER, 1)}, disputed=[lost])
    file.write({NODE: note(NODE, 8)})
    file.sync()

    heads = file.read()
    assert sizes(file) == {NODE: 8, OTHER: 1}
    assert [head.checkpoint.size for head in heads.disputed] == [9]


def test_a_writer_follows_a_file_that_was_replaced(file: HeadFile) -> None:
    file.write({NODE: note(NODE, 1), OTHER: note(OTHER, 1)})
    head_file(file.path).restart({OTHER: note(OTHER, 2)}, disputed=[])

    file.write({NODE: note(NODE, 3), OTHER: note(OTHER, 4)})

    assert sizes(file) == {NODE: 3, OTHER: 4}
    assert file.read().damaged == 0
