"""The body of the chat server's process: engine, decoding thread and the HTTP server around them."""

import sys
from collections.abc import Mapping
from pathlib import Path

from models.chat.app import ChatApp
from models.chat.engine import Engine
from models.chat.loop import Limits, Loop
from models.chat.template import Template
from models.serving import serve

SWITCH_SECONDS = 0.0002


async def serve_chat(
    model: Path, socket: Path, *, threads: int, sequences: int, context: int, adapters: Mapping[str, Path], guess: int
) -> None:
    """Serve until SIGTERM or SIGINT. Raises PackageDamaged when the file is no model, or has no chat template."""
    # The decoding thread must not wait 5 ms for its turn whenever an answer is being written: that is a token's time.
    sys.setswitchinterval(SWITCH_SECONDS)
    engine = Engine(model, threads=threads, sequences=sequences, context=context, adapters=adapters)
    template = Template(engine)
    loop = Loop(engine, Limits(guessed=guess))
    try:
        await serve(ChatApp(engine, loop, template), ("chat",), socket, on_stop=loop.close)
    finally:
        loop.close()
