"""A tiny model of random weights that the tests write themselves, and real servers that hold it."""

import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from models import bench_stranger
from models.chat.engine import Engine
from models.chat.loop import Event, Failed, Finished, Limits, Loop, Piece, Request, Waiting
from models.chat.random_gguf import write
from models.chat.sampler import Sampling
from models.chat_client import ChatClient
from tests.models.conftest import ServerProcess

CONTEXT = 4096


@pytest.fixture(scope="session")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gguf") / "random.gguf"
    write(path)
    return path


@pytest.fixture
def engine(gguf: Path) -> Iterator[Engine]:
    opened = Engine(gguf, threads=1, sequences=2, context=CONTEXT)
    yield opened
    opened.close()


@pytest.fixture
def make_loop(gguf: Path) -> Iterator[Callable[..., Loop]]:
    made: list[Loop] = []

    def make(*, sequences: int = 4, limits: Limits | None = None) -> Loop:
        made.append(Loop(Engine(gguf, threads=1, sequences=sequences, context=CONTEXT), limits or Limits()))
        return made[-1]

    yield make
    for loop in made:
        loop.close()


class Heard:
    """One request and everything that was delivered for it, in order.

    Several may share a `log` of whose events came and a list of whose `ends` came.
    """

    def __init__(
        self,
        name: str,
        prompt: list[int],
        most_tokens: int,
        *,
        log: list[str] | None = None,
        ends: list[str] | None = None,
        likely: int = 0,
        sampling: Sampling | None = None,
        stops: tuple[str, ...] = (),
        adapter: str = "",
    ) -> None:
        self.name, self.events, self.waits = name, list[Event](), list[Waiting]()
        self._log = [] if log is None else log
        self._ends = [] if ends is None else ends
        self._changed = threading.Condition()
        self.request = Request(name, prompt, most_tokens, self._deliver, sampling or Sampling(), stops, likely, adapter)

    def _deliver(self, event: Event) -> None:
        if isinstance(event, Waiting):
            self.waits.append(event)
            return
        with self._changed:
            self.events.append(event)
            self._log.append(self.name)
            if self.over:
                self._ends.append(self.name)
            self._changed.notify_all()

    def until(self, condition: Callable[[list[Event]], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self.events), timeout=60)

    @property
    def over(self) -> bool:
        return bool(self.events) and not isinstance(self.events[-1], Piece)

    def finished(self) -> Finished:
        self.until(lambda events: self.over)
        last = self.events[-1]
        assert isinstance(last, Finished), last
        return last

    def failed(self) -> Failed:
        self.until(lambda events: self.over)
        last = self.events[-1]
        assert isinstance(last, Failed), last
        return last

    @property
    def tokens(self) -> list[int]:
        return [event.picked.token for event in self.events if isinstance(event, Piece)]

    @property
    def pieces(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Piece | Finished)]


@pytest.fixture
def own_chat(short_folder: Path, gguf: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Chat servers that a test may kill; they are ended with it."""
    started: list[ServerProcess] = []

    def make(model: Path = gguf, sequences: int = 2, options: tuple[str, ...] = ()) -> ServerProcess:
        shape = ("--sequences", str(sequences), "--context", str(CONTEXT))
        started.append(ServerProcess(short_folder, "--kinds", "chat", "--model", str(model), *shape, *options))
        return started[-1]

    yield make
    for server in started:
        if server.process is not None:
            server.end()


@pytest.fixture(scope="session")
def chat_server(gguf: Path) -> Iterator[ServerProcess]:
    """One server for the tests that leave it alive."""
    folder = Path(tempfile.mkdtemp(prefix="op-"))
    running = ServerProcess(
        folder, "--kinds", "chat", "--model", str(gguf), "--sequences", "2", "--context", str(CONTEXT)
    )
    assert "serving" in running.start()
    yield running
    assert running.end() == (0, '{"event": "stopped"}\n', "")
    shutil.rmtree(folder)


@pytest.fixture
async def http(chat_server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.AsyncHTTPTransport(uds=str(chat_server.socket))
    async with httpx.AsyncClient(transport=transport, base_url="http://chat", timeout=60) as connected:
        yield connected


@pytest.fixture
async def chat(chat_server: ServerProcess) -> AsyncIterator[ChatClient]:
    async with ChatClient(chat_server.socket, seconds=60) as connected:
        yield connected


@pytest.fixture(scope="session")
def stranger(gguf: Path) -> Iterator[str]:
    """The address of `llama_cpp.server`, somebody else's server of the same model."""
    with bench_stranger.stranger(gguf, 1) as address:
        yield address
