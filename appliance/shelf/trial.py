"""A model is tried before it is put in force: it must load, answer, and say what it costs on this box."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from pathlib import Path
from typing import Final

from appliance.shelf.errors import ModelRefusedHere
from appliance.shelf.values import Measured
from models.chat_client import Ask, ChatClient
from models.child import chat_command, serving
from models.errors import ModelRefused, ModelUnavailable, PackageDamaged
from models.hardware import Shape
from models.measuring import decode_speed, hello, prompt_speed

START_SECONDS: Final = 30.0
BYTES_PER_SECOND: Final = 20e6
"""The slowest disk on which a model is still waited for."""
ANSWER_SECONDS: Final = 120.0


async def tried(model: Path, socket: Path, *, sha256: str, size: int, shape: Shape) -> Measured:
    """Start a server of its own for the model, ask it, and measure.

    Raises:
        ModelRefusedHere: it does not load, does not answer, or falls over; the detail says which.
    """
    command = chat_command(
        model, socket, sha256=sha256, threads=shape.threads, sequences=shape.sequences, context=shape.context
    )
    began = time.monotonic()
    try:
        async with serving(command, seconds=START_SECONDS + size / BYTES_PER_SECOND):
            loaded = time.monotonic() - began
            async with ChatClient(socket, seconds=ANSWER_SECONDS) as client:
                await client.chat(hello("pump"), Ask(max_tokens=4, temperature=0))
                prompt = await prompt_speed(client, shape.context)
                decode = await decode_speed(client)
    except PackageDamaged as problem:
        raise ModelRefusedHere(f"It does not load: {problem}.") from None
    except (ModelUnavailable, ModelRefused) as problem:
        raise ModelRefusedHere(f"It was loaded, and did not pass its trial: {str(problem).rstrip('.')}.") from None
    finally:
        await asyncio.to_thread(socket.unlink, missing_ok=True)
    return Measured(
        prompt_tokens_per_s=round(prompt, 2),
        decode_tokens_per_s=round(decode, 2),
        load_seconds=round(loaded, 2),
        memory_bytes=shape.memory,
        threads=shape.threads,
        sequences=shape.sequences,
        context=shape.context,
        at=dt.datetime.now(dt.UTC),
    )
