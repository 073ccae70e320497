"""Real packages, a real server process on a real socket."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from models.client import ModelClient
from models.engines.embedder import Embedder
from models.engines.onnx import Session
from models.engines.reader import Reader
from models.package import open_package


@pytest.fixture(scope="session")
def models_dir() -> Path:
    folder = Path(sys.prefix) / "share" / "outpost" / "models"
    if not (folder / "minilm-embed" / "manifest.json").exists():
        pytest.fail(f"no model packages in {folder}: run `make setup`, or `python -m models.convert`")
    return folder


@pytest.fixture(scope="session")
def embed_session(models_dir: Path) -> Session:
    return Session(open_package(models_dir / "minilm-embed"), threads=1)


@pytest.fixture(scope="session")
def embedder(embed_session: Session) -> Embedder:
    return Embedder(embed_session)


@pytest.fixture(scope="session")
def reader(models_dir: Path, embed_session: Session) -> Reader:
    return Reader(Session(open_package(models_dir / "minilm-read"), threads=1, beside=embed_session))


class ServerProcess:
    """The model server as it runs on a node: its own process, its own socket, both ended by the test."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.socket = folder / "models.sock"
        self._command = [
            sys.executable,
            "-m",
            "models.server",
            "--socket",
            str(self.socket),
            "--threads",
            "1",
            *options,
        ]
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """Wait for its first line, `serving`, or for its end; returns that line."""
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        self.process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Send the signal and wait; returns the exit code and what it still printed on both streams."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for a socket: at most 107 bytes are possible."""
    folder = Path(tempfile.mkdtemp(prefix="op-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def own_server(short_folder: Path, models_dir: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Servers that a test may kill; they are ended with it."""
    started: list[ServerProcess] = []

    def make(kinds: str = "embed,rerank,read") -> ServerProcess:
        started.append(ServerProcess(short_folder, "--models", str(models_dir), "--kinds", kinds))
        return started[-1]

    yield make
    for server in started:
        if server.process is not None:
            server.end()


@pytest.fixture(scope="session")
def server(models_dir: Path) -> Iterator[ServerProcess]:
    """One server for the tests that leave it alive."""
    folder = Path(tempfile.mkdtemp(prefix="op-"))
    running = ServerProcess(folder, "--models", str(models_dir))
    assert "serving" in running.start()
    yield running
    assert running.end() == (0, '{"event": "stopped"}\n', "")
    shutil.rmtree(folder)


@pytest.fixture
async def client(server: ServerProcess) -> AsyncIterator[ModelClient]:
    async with ModelClient(server.socket, seconds=30) as connected:
        yield connected


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float = 20) -> None:
    """Ask the server again and again; it is another process, so there is no event to wait for."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.01)
