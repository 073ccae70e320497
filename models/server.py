"""`python -m models.server --kinds embed,rerank,read,classify --socket PATH --models DIR`: one process, one unix socket.

`--kinds chat --model FILE.gguf` serves a chat model, in a process of its own: if llama.cpp falls, nothing else does.

Prints one JSON line to standard output when it serves, one when it stops. SIGTERM and SIGINT end it cleanly.
"""

import argparse
import os
import socket as sockets
import sys
from pathlib import Path

from models.errors import PackageDamaged, SocketTaken
from models.memory import one_arena

KINDS = ("embed", "rerank", "read", "classify")
CHAT = ("chat",)
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
    parser.add_argument("--kinds", default="embed,rerank,read,classify", help="what to serve, separated by commas")
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=Path(sys.prefix) / "share" / "outpost" / "models")
    parser.add_argument("--threads", type=int, default=0, help="threads of inference; 0 leaves one core free")
    parser.add_argument("--model", type=Path, help="chat: the GGUF file")
    parser.add_argument("--sha256", help="chat: serve the file only if this is its SHA-256")
    parser.add_argument("--sequences", type=int, default=4, help="chat: how many answers are made at once")
    parser.add_argument(
        "--context",
        type=int,
        default=0,
        help="chat: tokens of a prompt and its answer; 0 takes the model's, up to 8192",
    )
    parser.add_argument(
        "--lora", action="append", default=[], metavar="NAME=FILE", help="chat: an adapter, asked for as model NAME"
    )
    parser.add_argument("--guess", type=int, default=8, help="chat: tokens guessed from the prompt a step; 0 for none")
    options = parser.parse_args()
    kinds = tuple(kind for kind in options.kinds.split(",") if kind)
    if kinds != CHAT and (not kinds or not set(kinds) <= set(KINDS)):
        parser.error(f"--kinds takes some of {', '.join(KINDS)}, or chat alone")
    if kinds == CHAT and (options.model is None or options.sequences < 1 or options.context < 0):
        parser.error("--kinds chat needs --model, and at least one sequence")
    if not 0 <= options.guess <= 8:
        parser.error("--guess takes 0 to 8")
    if not all(name and equals and file for name, equals, file in (each.partition("=") for each in options.lora)):
        parser.error("--lora takes NAME=FILE")
    threads = options.threads or max(1, (os.cpu_count() or 2) - 1)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.umask(0o077)
    one_arena()
    # Before numpy is loaded: the small products of reranking cost twice as much on threads that spin for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import uvloop

    from models.serving import report

    try:
        clear(options.socket)
        # uvloop wakes the event loop without letting go of the interpreter, asyncio's own by a write that does.
        uvloop.run(_serve(options, kinds, threads))
    except (SocketTaken, PackageDamaged) as problem:
        print(f"models: refused: {problem}", file=sys.stderr)
        return 1
    report("stopped")
    return 0


async def _serve(options: argparse.Namespace, kinds: tuple[str, ...], threads: int) -> None:
    """Late imports: neither process loads the other's libraries."""
    if kinds == CHAT:
        from models.package import digest

        if options.sha256 and (not options.model.is_file() or digest(options.model) != options.sha256):
            raise PackageDamaged(f"{options.model.name} is missing or is not the file that was taken in")
        from models.chat.serving import serve_chat

        shape = {"sequences": options.sequences, "context": options.context, "guess": options.guess}
        adapters = {name: Path(file) for name, _, file in (each.partition("=") for each in options.lora)}
        await serve_chat(options.model, options.socket, threads=threads, adapters=adapters, **shape)
    else:
        from models.small import serve_small

        await serve_small(options.models, kinds, threads, options.socket)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: granian's threads may still call Python while the interpreter is taken down, and abort the process
    # (seen once in twenty stops). Nothing is left to do by then; the socket is gone and the lanes are closed.
    os._exit(code)
