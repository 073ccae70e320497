"""The chat server falls while people ask: quotes go on, no request hangs, and words come back."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.faults.chat_kills import run


def test_quotes_go_on_and_words_come_back_while_the_chat_server_is_killed() -> None:
    folder = Path(tempfile.mkdtemp(prefix="op-"))
    try:
        counted = run(folder, 2, seed=7)
    finally:
        shutil.rmtree(folder)

    assert counted.kills == 2
    assert counted.good, counted
    assert counted.breaker["breaker-opened"] - counted.breaker["breaker-closed"] in (0, 1)
