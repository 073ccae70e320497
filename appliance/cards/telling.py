"""A card's words go the way of a model's: through the gate, against the passages quoted to this very person, now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spoken:
    """All of a card's text at once."""

    text: str
    finish_reason: str | None = "stop"
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class CardWriter:
    """A writer that says what a card says, whatever it is asked. `model` wrote the card."""

    text: str
    model: str

    async def name(self) -> str | None:
        return f"card by {self.model}"

    async def seconds(self, characters: int, most_tokens: int) -> float | None:
        return 0.0

    async def write(
        self, messages: Sequence[Mapping[str, str]], *, most_tokens: int, key: str, seconds: float
    ) -> AsyncIterator[Spoken]:
        yield Spoken(self.text)
