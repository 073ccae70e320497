"""`python -m models.server --kinds embed,rerank,read --socket PATH --models DIR`: one process, one unix socket.

Prints one JSON line to standard output when it serves, one when it stops. SIGTERM and SIGINT end it cleanly.
"""

import argparse
import asyncio
import os
import socket as sockets
import sys
from pathlib import Path

from models.errors import PackageDamaged, SocketTaken
from models.memory import one_arena

KINDS = ("embed", "rerank", "read")
LONGEST_SOCKET = 107
"""Bytes of a unix socket's path on Linux (`sun_path` less its end)."""


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
    # Before numpy is loaded: the small products of reranking cost twice as much on threads that spin for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from models.serving import load, report, serve

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
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: granian's threads may still call Python while the interpreter is taken down, and abort the process
    # (seen once in twenty stops). Nothing is left to do by then; the socket is gone and the lanes are closed.
    os._exit(code)
