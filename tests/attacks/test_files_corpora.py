"""Awkward files that others collected: each is read or refused with a reason; none hangs, none ends the reader."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from appliance.documents.chunking import chunk
from appliance.documents.errors import UnreadableFile
from appliance.documents.sandbox import Limits, Sandbox
from appliance.documents.tokens import estimated_tokens
from tests.attacks.lists import DATA
from tests.attacks.tally import tried


def files_of(corpus: str, pattern: str = "*") -> list[Path]:
    folder = DATA / corpus
    if not folder.is_dir():
        pytest.skip(f"{DATA / corpus} is not here")
    return sorted(path for path in folder.rglob(pattern) if path.is_file())


async def outcomes(files: list[Path]) -> Counter[str]:
    """`read`, or the reason, for each file."""
    found: Counter[str] = Counter()
    async with Sandbox(Limits(seconds=30, cpu_seconds=25)) as sandbox:
        for path in files:
            tried()
            try:
                parsed = await sandbox.parse(path.read_bytes(), path.name)
            except UnreadableFile as refusal:
                found[refusal.detail] += 1
            else:
                assert chunk(parsed.blocks, estimated_tokens), path
                found["read"] += 1
        pid = sandbox.pid
        assert pid is not None
    return found


@pytest.mark.parametrize("corpus", ["poi_testdocs", "format_corpus"])
async def test_every_awkward_file_is_read_or_refused_in_plain_words(corpus: str) -> None:
    found = await outcomes(files_of(corpus))

    assert found["read"] > 10
    assert all(reason == "read" or (reason[0].isupper() and reason.endswith(".")) for reason in found)
    assert not any("crash" in reason or "longer than" in reason for reason in found)


@pytest.mark.parametrize("corpus", ["corpusA_linuxcnc", "corpusA_linuxcnc_man"])
async def test_every_manual_in_asciidoc_is_read(corpus: str) -> None:
    files = files_of(corpus, "*.adoc")

    assert await outcomes(files) == {"read": len(files)}
