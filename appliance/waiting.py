"""Waiting for a node: until its address is free, until it is ready."""

from __future__ import annotations

import asyncio
import http.client
import socket
import time
from pathlib import Path

from appliance.errors import Conflict, Unavailable


class NotRunning(Unavailable):
    """No node answers at the socket of the data directory."""

    code, title = "not-running", "The node is not running"
    hint = "Start it with `outpost run`, or point --data at the directory of a running node."


class AddressTaken(Conflict):
    """Something else listens where this node was told to."""

    code, title = "address-taken", "The address is taken"
    hint = "Stop the other program, or choose another address with --listen."


async def wait_until_free(host: str, port: int, *, seconds: float) -> None:
    """Return when nobody listens at the address; one that is just ending is given `seconds`.

    The server binds with SO_REUSEPORT: a second node would share the address, and half of its visitors, in silence.

    Raises:
        AddressTaken: somebody still listens there, or the address is not this machine's.
    """
    deadline = time.monotonic() + seconds
    while True:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if time.monotonic() > deadline:
                    raise AddressTaken(f"{host} port {port}: {error.strerror}.") from None
            else:
                return
        await asyncio.sleep(0.05)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("node", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def ask_readiness(node_socket: Path, *, timeout: float = 2.0) -> int | None:
    """The status of `/health/ready` at the owner's door, or None while nobody answers."""
    connection = _UnixConnection(node_socket, timeout)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


async def wait_until_ready(node_socket: Path, *, seconds: float) -> float:
    """Return after how many seconds the node was ready.

    Raises:
        NotRunning: it was not ready in time.
    """
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        if await asyncio.to_thread(ask_readiness, node_socket) == 200:
            return time.monotonic() - started
        await asyncio.sleep(0.05)
    raise NotRunning(f"The node was not ready within {seconds:.0f} s.", hint="Its log, above, says what failed.")
