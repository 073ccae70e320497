"""`python -m models.server --kinds embed,rerank,read --socket PATH --models DIR`: one process, one unix socket.

Prints one JSON line to standard output when it serves, one when it stops. SIGTERM and SIGINT end it cleanly.
"""

import argparse
import asyncio
import json
import os
import signal
import socket as sockets
import sys
from pathlib import Path

from granian.constants import Interfaces
from granian.server.embed import Server

from models.app import ModelApp
from models.engines.embedder import Embedder
from models.engines.onnx import Session
from models.engines.reader import Reader
from models.errors import ModelsError, PackageDamaged
from models.lanes import Lanes
from models.memory import Quiet, give_back, one_arena
from models.package import open_package

KINDS = ("embed", "rerank", "read")
EMBED, READ = "minilm-embed", "minilm-read"
LONGEST_SOCKET = 107
"""Bytes of a unix socket's path on Linux (`sun_path` less its end)."""


class SocketTaken(ModelsError):
    """Another server answers on the socket, or the path cannot be a socket."""


def clear(socket: Path) -> None:
    """Remove a socket that nobody answers on. Raises SocketTaken."""
    if len(os.fsencode(socket)) > LONGEST_SOCKET:
        raise SocketTaken(f"{socket} is too long for a socket; at most {LONGEST_SOCKET} bytes are possible")
    socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not socket.exists():
        return
    with sockets.socket(sockets.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(socket))
        except ConnectionRefusedError:
            socket.unlink()
        except OSError as problem:
            raise SocketTaken(f"{socket} is in the way: {problem}") from problem
        else:
            raise SocketTaken(f"a server already answers on {socket}")


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
    server.on_startup(lambda: report("serving", kinds=list(kinds), socket=str(socket)))
    try:
        await server.serve()
    finally:
        lanes.close()


def report(event: str, **facts: object) -> None:
    print(json.dumps({"event": event, **facts}), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models.server", description="Serve small models on a unix socket.")
    parser.add_argument("--kinds", default="embed,rerank,read", help="what to serve, separated by commas")
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=Path(sys.prefix) / "share" / "outpost" / "models")
    parser.add_argument("--threads", type=int, default=0, help="threads of inference; 0 leaves one core free")
    options = parser.parse_args()
    kinds = tuple(kind for kind in options.kinds.split(",") if kind)
    if not kinds or not set(kinds) <= set(KINDS):
        parser.error(f"--kinds takes some of {', '.join(KINDS)}")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.umask(0o077)
    one_arena()
    try:
        clear(options.socket)
        engines = load(options.models, kinds, options.threads or max(1, (os.cpu_count() or 2) - 1))
        asyncio.run(serve(*engines, kinds, options.socket))
    except (SocketTaken, PackageDamaged) as problem:
        print(f"models: refused: {problem}", file=sys.stderr)
        return 1
    report("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
