"""Asks the zygote to open files, and believes nothing that comes back before it is checked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from appliance.documents.blocks import ParsedFile, from_wire
from appliance.documents.errors import ReaderUnavailable, UnreadableFile
from appliance.documents.zygote import MESSAGE

_ROOT = Path(__file__).resolve().parents[2]
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost. Seconds are of the wall and of the processor, sizes are bytes."""

    seconds: float = 180.0
    cpu_seconds: int = 120
    memory: int = 1024 * 1024 * 1024
    output: int = 96 * 1024 * 1024
    pages: int = 2_000
    characters: int = 20_000_000


@dataclass(frozen=True, slots=True)
class Confinement:
    """How the children are held here; "none" where the kernel lacks the means."""

    network: str
    files: str
    calls: str


@dataclass(frozen=True, slots=True)
class _Exit:
    code: int
    late: bool


class Sandbox:
    """Opens files in confined children, at most `at_once` at a time. Belongs to one event loop; `close` it at the end.

    The zygote behind it is started with the first file, and again after it was lost. It ends, and gives its memory
    back, when no file was opened for `idle_seconds`.
    """

    def __init__(self, limits: Limits | None = None, *, at_once: int = 2, idle_seconds: float = 60.0) -> None:
        self.limits = limits or Limits()
        self._idle_seconds = idle_seconds
        self._in_use = 0
        self._resting: asyncio.TimerHandle | None = None
        self._turn = asyncio.Semaphore(at_once)
        self._starting = asyncio.Lock()
        self._zygote: _Zygote | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def parse(self, content: bytes, filename: str) -> ParsedFile:
        """The blocks of a file.

        Raises:
            UnreadableFile: with the reason, in words for the person who uploaded it.
            ReaderUnavailable: the reader itself failed; the same file may be tried again.
        """
        limits = self.limits
        request = {
            "do": "parse",
            "filename": filename[-255:],
            "pages": limits.pages,
            "characters": limits.characters,
        }
        kind, body = await self._ask(request, content)
        try:
            if kind == b"P":
                return from_wire(json.loads(body))
        except (ValueError, RecursionError):
            pass
        raise UnreadableFile("The reader's answer makes no sense; the file is damaged.")

    async def render(self, content: bytes, page: int, width: int) -> bytes:
        """PNG of a PDF's page, counted from 1, `width` pixels wide. Raises as `parse` does."""
        kind, body = await self._ask({"do": "render", "page": page, "width": width}, content)
        if kind != b"I" or not body.startswith(_PNG):
            raise UnreadableFile("The page cannot be shown; the file is damaged.")
        return body

    @property
    def pid(self) -> int | None:
        """The process id of the zygote, while one runs."""
        return None if self._zygote is None or self._zygote.lost else self._zygote.process.pid

    async def confinement(self) -> Confinement:
        """How the children are held on this machine."""
        with self._awake():
            return (await self._running()).confinement

    async def close(self) -> None:
        self._rest()

    def _rest(self) -> None:
        """End the zygote; the next file starts another one."""
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        if self._zygote is not None:
            self._zygote.close()
            self._zygote = None

    @contextlib.contextmanager
    def _awake(self) -> Iterator[None]:
        """While anybody is inside, the zygote is not ended for being idle."""
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        self._in_use += 1
        try:
            yield
        finally:
            self._in_use -= 1
            if not self._in_use:
                self._resting = asyncio.get_running_loop().call_later(self._idle_seconds, self._rest)

    async def _running(self) -> _Zygote:
        async with self._starting:
            if self._zygote is None or self._zygote.lost:
                if self._zygote is not None:
                    self._zygote.close()
                self._zygote = await _Zygote.start()
            return self._zygote

    async def _ask(self, request: dict[str, Any], content: bytes) -> tuple[bytes, bytes]:
        limits = self.limits
        request |= {
            "seconds": limits.seconds,
            "cpu_seconds": limits.cpu_seconds,
            "memory": limits.memory,
            "output": limits.output,
        }
        with self._awake():
            async with self._turn:
                zygote = await self._running()
                answer, end = await zygote.ask(request, content, limits)
        if end.late or end.code == -signal.SIGXCPU:
            raise UnreadableFile(f"Reading the file took longer than {limits.seconds:.0f} seconds, so it was given up.")
        if end.code == -signal.SIGKILL:
            raise UnreadableFile("Reading the file needs more memory or time than is allowed.")
        if end.code != 0 or not answer:
            raise UnreadableFile("The file made its reader crash; it is damaged, or made to do harm.")
        kind, body = answer[:1], answer[1:]
        if kind == b"U":
            try:
                reason = json.loads(body)
            except ValueError:
                reason = None
            raise UnreadableFile(reason if isinstance(reason, str) and reason else "The file cannot be read.")
        return kind, body


class _Zygote:
    """One running zygote and the questions that wait for its children."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket) -> None:
        self.process = process
        self.control = control
        self.lost = False
        self.confinement = Confinement("none", "none", "none")
        self._hello: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ends: dict[int, asyncio.Future[_Exit]] = {}
        self._next = 0

    @classmethod
    async def start(cls) -> _Zygote:
        """Raises ReaderUnavailable when it does not come up within half a minute."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        environment = {"PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "appliance.documents.zygote", str(theirs.fileno())]
        with theirs:
            # Popen returns as soon as the program is loaded; waiting for it is done below, without blocking.
            process = subprocess.Popen(  # noqa: ASYNC220
                command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, env=environment, cwd="/"
            )
        zygote = cls(process, ours)
        asyncio.get_running_loop().add_reader(ours, zygote._receive)
        try:
            async with asyncio.timeout(30):
                await zygote._hello
        except (TimeoutError, ReaderUnavailable):
            zygote.close()
            raise ReaderUnavailable("The reader of files did not start.") from None
        except BaseException:  # whoever asked has gone
            zygote.close()
            raise
        return zygote

    def close(self) -> None:
        """End the zygote; its children end with it."""
        self._lose()
        self.process.kill()
        self.process.wait()

    def _lose(self) -> None:
        if self.lost:
            return
        self.lost = True
        asyncio.get_running_loop().remove_reader(self.control)
        self.control.close()
        lost = ReaderUnavailable("The reader of files ended unexpectedly.")
        if not self._hello.done():
            self._hello.set_exception(lost)
        for future in self._ends.values():
            if not future.done():
                future.set_exception(lost)

    def _receive(self) -> None:
        try:
            message = self.control.recv(MESSAGE)
        except BlockingIOError:
            return
        except OSError:
            message = b""
        if not message:
            self._lose()
            return
        answer = json.loads(message)
        if "hello" in answer:
            self.confinement = Confinement(**answer["hello"])
            if not self._hello.done():
                self._hello.set_result(None)
        elif (future := self._ends.get(answer["id"])) is not None and not future.done():
            future.set_result(_Exit(answer["exit"], answer["late"]))

    async def ask(self, request: dict[str, Any], content: bytes, limits: Limits) -> tuple[bytes, _Exit]:
        """What the child wrote, and how it ended."""
        self._next += 1
        number = self._next
        end: asyncio.Future[_Exit] = asyncio.get_running_loop().create_future()
        self._ends[number] = end
        source = _memory_file(content)
        reading, writing = os.pipe()
        try:
            try:
                message = json.dumps(request | {"id": number}).encode()
                socket.send_fds(self.control, [message], [source, writing])
            except OSError as error:
                self._lose()
                raise ReaderUnavailable("The reader of files ended unexpectedly.") from error
            finally:
                os.close(source)
                os.close(writing)
            try:
                # The zygote keeps the time itself; this is for a zygote that no longer does.
                async with asyncio.timeout(limits.seconds + 20):
                    answer = await _read_all(reading, limits.output + 1)
                    if len(answer) > limits.output:
                        self._stop(number)
                    return answer, await end
            except TimeoutError:
                self.close()
                raise ReaderUnavailable("The reader of files does not answer.") from None
            except asyncio.CancelledError:
                self._stop(number)
                raise
        finally:
            os.close(reading)
            del self._ends[number]
            if end.done() and not end.cancelled():
                end.exception()

    def _stop(self, number: int) -> None:
        with contextlib.suppress(OSError):
            self.control.send(json.dumps({"id": number, "do": "stop"}).encode())


def _memory_file(content: bytes) -> int:
    """A file that exists in memory alone, open at its start."""
    handle = os.memfd_create("upload", os.MFD_CLOEXEC)
    view = memoryview(content)
    while view:
        view = view[os.write(handle, view) :]
    os.lseek(handle, 0, os.SEEK_SET)
    return handle


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _read_all(handle: int, most: int) -> bytes:
    """Everything up to the end of the pipe, or `most` bytes."""
    os.set_blocking(handle, False)
    loop = asyncio.get_running_loop()
    parts: list[bytes] = []
    size = 0
    while size < most:
        try:
            part = os.read(handle, min(1 << 20, most - size))
        except BlockingIOError:
            readable: asyncio.Future[None] = loop.create_future()
            loop.add_reader(handle, _resolve, readable)
            try:
                await readable
            finally:
                loop.remove_reader(handle)
            continue
        if not part:
            break
        parts.append(part)
        size += len(part)
    return b"".join(parts)
