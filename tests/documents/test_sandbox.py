"""The sandbox: what a child may not do, and what becomes of one that misbehaves."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.documents.errors import ReaderUnavailable, UnreadableFile
from appliance.documents.sandbox import Limits, Sandbox
from tests.documents.papers import flowing_pdf

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(Limits(seconds=20, cpu_seconds=15)) as sandbox:
        yield sandbox


async def test_files_are_read_and_pages_drawn(sandbox: Sandbox) -> None:
    parsed = await sandbox.parse(b"# Title\n\nText.", "a.md")
    image = await sandbox.render(flowing_pdf("One"), 1, 120)

    assert [block.text for block in parsed.blocks] == ["Title", "Text."]
    assert image.startswith(b"\x89PNG")


async def test_many_files_at_once_come_back_to_those_who_asked(sandbox: Sandbox) -> None:
    found = await asyncio.gather(*(sandbox.parse(f"text {number}".encode(), "a.txt") for number in range(20)))

    assert [parsed.blocks[0].text for parsed in found] == [f"text {number}" for number in range(20)]


async def test_a_reason_comes_back_as_it_was_given(sandbox: Sandbox) -> None:
    with pytest.raises(UnreadableFile, match="The file is empty"):
        await sandbox.parse(b"", "a.md")


async def test_a_child_that_takes_too_long_is_ended_and_the_next_file_is_read() -> None:
    async with Sandbox(Limits(seconds=0.05)) as sandbox:
        slow = b"|===\n" + b"|a " * 3_000_000
        with pytest.raises(UnreadableFile, match="longer than"):
            await sandbox.parse(slow, "a.adoc")
    async with Sandbox(Limits(seconds=30, cpu_seconds=1)) as sandbox:
        with pytest.raises(UnreadableFile, match="longer than"):
            await sandbox.parse(slow, "a.adoc")
        assert (await sandbox.parse(b"next", "a.txt")).blocks


async def test_a_child_that_wants_too_much_memory_is_refused_and_the_next_file_is_read() -> None:
    async with Sandbox(Limits(memory=160 * 2**20)) as sandbox:
        with pytest.raises(UnreadableFile, match=r"memory|damaged"):
            await sandbox.parse(b"word " * 20_000_000, "a.txt")
        assert (await sandbox.parse(b"next", "a.txt")).blocks


async def test_more_output_than_allowed_is_not_taken() -> None:
    async with Sandbox(Limits(output=1000)) as sandbox:
        with pytest.raises(UnreadableFile, match="more text than is read"):
            await sandbox.parse(b"word " * 1000, "a.txt")


async def test_a_dead_zygote_is_noticed_and_replaced(sandbox: Sandbox) -> None:
    await sandbox.confinement()
    assert sandbox.pid is not None
    os.kill(sandbox.pid, signal.SIGKILL)
    with pytest.raises(ReaderUnavailable):
        while True:
            await sandbox.parse(b"text", "a.txt")

    assert (await sandbox.parse(b"text", "a.txt")).blocks


async def test_a_zygote_ends_with_its_parent() -> None:
    script = (
        "import asyncio, sys\n"
        "from appliance.documents.sandbox import Sandbox\n"
        "async def main():\n"
        "    box = Sandbox()\n"
        "    await box.confinement()\n"
        "    print(box.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(  # noqa: ASYNC220 (it is started and killed at once)
        [sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        handle = os.pidfd_open(pid)
        parent.kill()
    try:
        loop = asyncio.get_running_loop()
        gone = asyncio.Event()
        loop.add_reader(handle, gone.set)
        await asyncio.wait_for(gone.wait(), 10)
        loop.remove_reader(handle)
    finally:
        os.close(handle)


async def test_giving_up_waiting_ends_the_child() -> None:
    async with Sandbox() as sandbox:
        await sandbox.confinement()
        task = asyncio.create_task(sandbox.parse(b"|===\n" + b"|a " * 3_000_000, "a.adoc"))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert (await sandbox.parse(b"next", "a.txt")).blocks


async def test_an_idle_zygote_ends_and_comes_back_with_the_next_file() -> None:
    async with Sandbox(idle_seconds=0.05) as sandbox:
        await sandbox.parse(b"text", "a.txt")
        first = sandbox.pid
        async with asyncio.timeout(10):
            while sandbox.pid is not None:
                await asyncio.sleep(0.02)

        assert (await sandbox.parse(b"text", "a.txt")).blocks
        assert sandbox.pid != first
