"""An HTTP server on a unix socket, from `serving` to `stopped`."""

import asyncio
import json
import signal
from collections.abc import Callable
from pathlib import Path

from granian.constants import Interfaces
from granian.server.embed import Server

from models.asgi import Asgi


async def serve(app: Asgi, kinds: tuple[str, ...], socket: Path, on_stop: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM or SIGINT. `on_stop` may block; it ends what the server would wait for."""
    loop = asyncio.get_running_loop()
    # No log, no access log: the process that started us writes the log; bodies are never written at all.
    server = Server(app, uds=socket, interface=Interfaces.ASGINL, log_enabled=False, websockets=False, backlog=128)
    server.uds_permissions = 0o600
    stopping: list[asyncio.Future[None]] = []

    async def stop() -> None:
        await asyncio.to_thread(on_stop)
        server.stop()  # type: ignore[no-untyped-call]

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: stopping.append(asyncio.ensure_future(stop())))
    announcing = asyncio.create_task(announce(socket, kinds))
    try:
        await server.serve()
    finally:
        announcing.cancel()


async def announce(socket: Path, kinds: tuple[str, ...]) -> None:
    """Report `serving` once a connection succeeds: granian's own start hook runs before it listens."""
    while True:
        try:
            _, writer = await asyncio.open_unix_connection(socket)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return report("serving", kinds=list(kinds), socket=str(socket))


def report(event: str, **facts: object) -> None:
    print(json.dumps({"event": event, **facts}), flush=True)
