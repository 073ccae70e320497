"""How fast a chat server reads and writes: asked, not believed."""

from __future__ import annotations

import time
from typing import Final

from models.chat_client import Ask, ChatClient
from models.errors import ModelUnavailable

PROMPT_WORDS: Final = 260
TOKENS_PER_WORD: Final = 16
"""At most, with room for the answer: a model may spell every letter."""
DECODED: Final = 32
LEAST_DECODED: Final = 8


def hello(thing: str) -> list[dict[str, str]]:
    """A short question that any model can say something to."""
    return [{"role": "user", "content": f"Say in one short sentence what a {thing} is for."}]


def _long(seed: int, context: int) -> list[dict[str, str]]:
    """A prompt that no cache holds, as long as measuring needs and the model can hold."""
    count = min(PROMPT_WORDS, context // TOKENS_PER_WORD)
    words = " ".join(f"valve {(seed * 7919 + n * 31) % 997}" for n in range(count))
    return [{"role": "user", "content": f"{seed}: {words}. Say OK."}]


async def prompt_speed(client: ChatClient, context: int) -> float:
    """Tokens per second of fresh prompt; the better of two, since the first also warms the file up.

    `context` is how many tokens the model holds.
    """
    best = 0.0
    for seed in (1, 2):
        began = time.monotonic()
        answer = await client.chat(_long(seed, context), Ask(max_tokens=1, temperature=0))
        fresh = answer.prompt_tokens - answer.cached_tokens
        best = max(best, fresh / (time.monotonic() - began))
    return best


async def decode_speed(client: ChatClient) -> float:
    """Tokens per second between the first and the last of an answer.

    Raises:
        ModelUnavailable: three answers together had too few tokens to measure.
    """
    counted, seconds = 0, 0.0
    for thing in ("torque wrench", "valve", "filter"):
        first = last = 0.0
        pieces = 0
        async for delta in client.stream(hello(thing), Ask(max_tokens=DECODED, temperature=0)):
            last = time.monotonic()
            first = first or last
            pieces += bool(delta.text)
            if delta.finish_reason and (written := delta.completion_tokens or pieces) > 1:
                counted += written - 1
                seconds += last - first
        if counted >= LEAST_DECODED:
            return counted / max(seconds, 1e-6)
    if counted:
        return counted / max(seconds, 1e-6)
    raise ModelUnavailable("it ended every answer at once, so its speed could not be measured")
