"""Writers for tests: they say what a test gives them, as a chat model's text comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from appliance.answers.ports import ChosenWriter
from appliance.errors import Unavailable
from appliance.routing.values import Wanted
from models.chat_client import ChatDelta
from models.errors import ModelUnavailable


class SilentWriter:
    """No chat model is in force."""

    async def name(self) -> str | None:
        return None

    async def provider(self) -> str:
        return ""

    async def seconds(self, characters: int, most_tokens: int) -> float | None:
        return None

    async def write(
        self, messages: Sequence[Mapping[str, str]], *, most_tokens: int, key: str, seconds: float
    ) -> AsyncIterator[ChatDelta]:
        raise Unavailable("No chat model is in force.")
        yield ChatDelta("")


@dataclass
class ScriptedWriter:
    """Says `text` in pieces of a few characters. Dies after `dies_after` pieces, waits for ever after `stalls_after`."""

    text: str
    takes: float = 2.0
    dies_after: int | None = None
    stalls_after: int | None = None
    given: list[dict[str, str]] = field(default_factory=list)
    closed: bool = False

    async def name(self) -> str | None:
        return "scripted"

    async def provider(self) -> str:
        return "local"

    async def seconds(self, characters: int, most_tokens: int) -> float | None:
        return self.takes

    async def write(
        self, messages: Sequence[Mapping[str, str]], *, most_tokens: int, key: str, seconds: float
    ) -> AsyncIterator[ChatDelta]:
        self.given = [dict(one) for one in messages]
        try:
            for number, at in enumerate(range(0, len(self.text), 4)):
                if number == self.dies_after:
                    raise Unavailable("The model fell over.")
                if number == self.stalls_after:
                    await asyncio.sleep(3600)
                yield ChatDelta(self.text[at : at + 4])
            yield ChatDelta("", "stop", 300, len(self.text) // 4)
        finally:
            self.closed = True


@dataclass
class Only:
    """One writer for whatever is wanted; keeps what was."""

    writer: ChosenWriter
    wanted: list[Wanted] = field(default_factory=list)

    async def choose(self, wanted: Wanted) -> ChosenWriter:
        self.wanted.append(wanted)
        return self.writer


class NoClassifier:
    """The classifier of the guard while its server is down."""

    async def classify(self, texts: Sequence[str], bulk: bool = False) -> list[float]:
        raise ModelUnavailable("down")
