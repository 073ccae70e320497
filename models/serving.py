"""The body of the model server's process: engines, lanes and the HTTP server around them."""

import asyncio
import json
import signal
from pathlib import Path

from granian.constants import Interfaces
from granian.server.embed import Server

from models.app import ModelApp
from models.engines.embedder import Embedder
from models.engines.onnx import Session
from models.engines.reader import Reader
from models.lanes import Lanes
from models.memory import Quiet, give_back
from models.package import open_package

EMBED, READ = "minilm-embed", "minilm-read"


def load(models: Path, kinds: tuple[str, ...], threads: int) -> tuple[Embedder | None, Reader | None]:
    """Open the packages that the kinds need. Raises PackageDamaged."""
    embed = Session(open_package(models / EMBED), threads=threads) if {"embed", "rerank"} & set(kinds) else None
    read = Session(open_package(models / READ), threads=threads, beside=embed) if "read" in kinds else None
    embedder, reader = Embedder(embed) if embed else None, Reader(read) if read else None
    give_back()
    return embedder, reader


async def serve(embedder: Embedder | None, reader: Reader | None, kinds: tuple[str, ...], socket: Path) -> None:
    """Serve until SIGTERM or SIGINT; the work under way is dropped then."""
    loop = asyncio.get_running_loop()
    lanes = Lanes(when_idle=Quiet(loop).worked)
    app = ModelApp(lanes, embedder=embedder, reader=reader, kinds=kinds)
    # No log, no access log: the process that started us writes the log; bodies are never written at all.
    server = Server(app, uds=socket, interface=Interfaces.ASGINL, log_enabled=False, websockets=False, backlog=128)
    server.uds_permissions = 0o600
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    announcing = asyncio.create_task(announce(socket, kinds))
    try:
        await server.serve()
    finally:
        announcing.cancel()
        lanes.close()


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
