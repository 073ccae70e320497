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

START_SECONDS: Final = 30.0
BYTES_PER_SECOND: Final = 20e6
"""The slowest disk on which a model is still waited for."""
ANSWER_SECONDS: Final = 120.0
PROMPT_WORDS: Final = 260
TOKENS_PER_WORD: Final = 16
"""At most, with room for the answer: a model may spell every letter."""
DECODED: Final = 32
LEAST_DECODED: Final = 8


def _hello(thing: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"Say in one short sentence what a {thing} is for."}]


def _long(seed: int, context: int) -> list[dict[str, str]]:
    """A prompt that no cache holds, as long as measuring needs and the model can hold."""
    count = min(PROMPT_WORDS, context // TOKENS_PER_WORD)
    words = " ".join(f"valve {(seed * 7919 + n * 31) % 997}" for n in range(count))
    return [{"role": "user", "content": f"{seed}: {words}. Say OK."}]


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
                await client.chat(_hello("pump"), Ask(max_tokens=4, temperature=0))
                prompt = await _prompt_speed(client, shape.context)
                decode = await _decode_speed(client)
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


async def _prompt_speed(client: ChatClient, context: int) -> float:
    """Tokens per second of fresh prompt; the better of two, since the first also warms the file up."""
    best = 0.0
    for seed in (1, 2):
        began = time.monotonic()
        answer = await client.chat(_long(seed, context), Ask(max_tokens=1, temperature=0))
        fresh = answer.prompt_tokens - answer.cached_tokens
        best = max(best, fresh / (time.monotonic() - began))
    return best


async def _decode_speed(client: ChatClient) -> float:
    """Tokens per second between the first and the last of an answer.

    Raises:
        ModelUnavailable: three answers together had too few tokens to measure.
    """
    counted, seconds = 0, 0.0
    for thing in ("torque wrench", "valve", "filter"):
        first = last = 0.0
        async for delta in client.stream(_hello(thing), Ask(max_tokens=DECODED, temperature=0)):
            last = time.monotonic()
            first = first or last
            if delta.finish_reason and delta.completion_tokens > 1:
                counted += delta.completion_tokens - 1
                seconds += last - first
        if counted >= LEAST_DECODED:
            return counted / max(seconds, 1e-6)
    if counted:
        return counted / max(seconds, 1e-6)
    raise ModelUnavailable("it ended every answer at once, so its speed could not be measured")
