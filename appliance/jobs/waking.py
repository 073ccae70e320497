"""How a worker hears of work at once: a datagram on a unix socket. It may get lost; the worker also looks by itself."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path


class Waker:
    """Tells the worker that there is something to do. Never waits, never fails."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def wake(self) -> None:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            sender.sendto(b"work", str(self._path))


class Bell:
    """The worker's end: `wait` returns when it rang, or after `seconds`."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(path))
        path.chmod(0o600)
        self._path = path

    async def wait(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await loop.sock_recv(self._socket, 16)
        # One look at the queue answers any number of rings.
        with contextlib.suppress(BlockingIOError):
            while self._socket.recv(16):
                pass

    def ring(self) -> None:
        """End a `wait` of this process."""
        Waker(self._path).wake()

    def close(self) -> None:
        self._socket.close()
        self._path.unlink(missing_ok=True)
