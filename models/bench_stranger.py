"""`llama_cpp.server` on the same file and threads: what somebody else's server gives to several people at once.

By default it ends the answer under way when a newcomer comes; told not to, it answers one after the other. It needs what
tests need (fastapi, uvicorn).
"""

import asyncio
import contextlib
import socket as sockets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import httpx

from models.chat_client import Ask, ChatClient, Server
from models.errors import ModelsError

START_SECONDS = 60.0
SERVE = (
    "import runpy; from models.chat import kernels; kernels.load(); "
    "runpy.run_module('llama_cpp.server', run_name='__main__', alter_sys=True)"
)
"""It does not look for kernels by itself: it is given those that we use."""
NEEDED = ("fastapi", "uvicorn", "starlette_context", "sse_starlette", "pydantic_settings")


@dataclass(frozen=True, slots=True)
class Crowd:
    """What several who asked at once got: tokens of all, in so many seconds, and how many answers were cut short."""

    people: int
    tokens: int
    seconds: float
    short: int


def can_be_run() -> bool:
    return all(find_spec(name) for name in NEEDED)


@contextmanager
def stranger(model: Path, threads: int, *, interrupts: bool = True, named: str = "") -> Iterator[str]:
    """Its address while it serves; `named` is what it calls the model, by default the file."""
    with sockets.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", SERVE, "--model", str(model), "--port", str(port), "--n_ctx", "4096"]
    command += ["--n_threads", str(threads), "--n_threads_batch", str(threads), "--verbose", "false"]
    command += ["--interrupt_requests", str(interrupts), *(["--model_alias", named] if named else [])]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(address, process)
            yield address
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait(address: str, process: "subprocess.Popen[bytes]") -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"{address}/v1/models", trust_env=False)
            return
        time.sleep(0.1)
    raise SystemExit("llama_cpp.server did not start")


async def crowds(address: str, sizes: Sequence[int], prompt: str, answer: int) -> list[Crowd]:
    async with ChatClient(Server(address), seconds=600) as client:
        return [await _crowd(client, people, prompt, answer) for people in sizes]


async def _crowd(client: ChatClient, people: int, prompt: str, answer: int) -> Crowd:
    async def one(number: int) -> int:
        asked = [{"role": "user", "content": f"{people} {number} {prompt}"}]
        counted = 0
        with contextlib.suppress(ModelsError):
            async for delta in client.stream(asked, Ask(max_tokens=answer, temperature=0)):
                counted += bool(delta.text)
        return counted

    began = time.perf_counter()
    tokens = await asyncio.gather(*(one(number) for number in range(people)))
    return Crowd(people, sum(tokens), time.perf_counter() - began, sum(count < answer // 2 for count in tokens))
