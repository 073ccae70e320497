"""Child processes that never outlive their parent, and a model server as one."""

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from models.errors import ModelUnavailable, PackageDamaged

PR_SET_PDEATHSIG = 1
STOP_SECONDS = 10.0
MOST_COMPLAINT = 400
_LIBC = ctypes.CDLL(None)
"""Loaded before any fork: a child between fork and exec must not load libraries."""


def end_with_parent() -> Callable[[], None]:
    """What a child of this process does before exec, so that the kernel ends it with us (prctl(2), PR_SET_PDEATHSIG)."""
    parent = os.getpid()

    def ask_the_kernel() -> None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        # A parent that died before the call sends nothing any more.
        if os.getppid() != parent:
            os._exit(1)

    return ask_the_kernel


async def end(child: asyncio.subprocess.Process, *, patience: float = STOP_SECONDS) -> None:
    """Ask a child to end, and make it end if it has not within `patience` seconds; an ended one is left alone."""
    if child.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        try:
            async with asyncio.timeout(patience):
                await child.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()


def chat_command(model: Path, socket: Path, *, sha256: str, threads: int, sequences: int, context: int) -> list[str]:
    """How a chat server is started that serves this very file and no other."""
    return [
        *(sys.executable, "-m", "models.server", "--kinds", "chat"),
        *("--model", str(model), "--sha256", sha256, "--socket", str(socket)),
        *("--threads", str(threads), "--sequences", str(sequences), "--context", str(context)),
    ]


@asynccontextmanager
async def serving(command: Sequence[str], *, seconds: float) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a model server for as long as the block lasts, once it says that it serves.

    Raises:
        PackageDamaged: it ended first; the message is what it said.
        ModelUnavailable: it did not serve within `seconds`.
    """
    child = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        preexec_fn=end_with_parent(),
    )
    assert child.stdout is not None
    assert child.stderr is not None
    try:
        try:
            async with asyncio.timeout(seconds):
                line = await child.stdout.readline()
        except TimeoutError:
            raise ModelUnavailable(f"the model server did not start within {seconds:.0f} s") from None
        if not line or json.loads(line)["event"] != "serving":
            await child.wait()
            said = (await child.stderr.read(65_536)).decode(errors="replace").strip().splitlines()
            why = (
                said[-1].removeprefix("models: refused: ") if said and child.returncode == 1 else _end(child.returncode)
            )
            raise PackageDamaged(why[:MOST_COMPLAINT])
        yield child
    finally:
        await end(child)


def _end(code: int | None) -> str:
    """A crash of llama.cpp is no text for people."""
    return f"the model server fell over this file ({code})"
