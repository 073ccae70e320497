"""Writing with the chat model in force: behind a breaker, within a deadline, with what it will cost said before."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from appliance.errors import Unavailable
from appliance.metrics import BREAKER, MODEL_SECONDS, MODEL_TOKENS
from appliance.shelf.breaker import Breaker
from appliance.shelf.service import Shelf
from appliance.shelf.values import ModelPackage
from models.chat_client import Ask, ChatClient, ChatDelta
from models.errors import ModelBusy, ModelsError

CHARACTERS_PER_TOKEN = 3.2
"""Of English in the tokens of common vocabularies: what a prompt is reckoned with before it is tokenised."""
KNOWN_SECONDS = 1.0
"""How long the model in force is taken to be the same."""


class NoWriter(Unavailable):
    """No chat model is in force, it is down, or it has too much to do. Quotes need none."""

    code, title = "no-writer", "Nothing can be put into words now"
    hint = "The quotes above stand by themselves. An admin sees the state of the chat model under Models."


class ChatWriter:
    """Args:
    client: of the node's chat server.
    clock: seconds that only grow.
    """

    def __init__(self, shelf: Shelf, client: ChatClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._shelf, self._client, self._clock = shelf, client, clock
        self._breaker = Breaker()
        self._known: tuple[float, ModelPackage | None] = (-KNOWN_SECONDS, None)

    async def name(self) -> str | None:
        """Who would write; None where nobody can now."""
        package = await self._active()
        return package.name if package is not None and self._breaker.lets_through(self._clock()) else None

    async def seconds(self, characters: int, most_tokens: int) -> float | None:
        """How long an answer of `most_tokens` to a fresh prompt of so many characters will take; None where nobody can."""
        package = await self._active()
        if package is None or package.measured is None or not self._breaker.lets_through(self._clock()):
            return None
        return package.measured.seconds(round(characters / CHARACTERS_PER_TOKEN), most_tokens)

    async def write(
        self, messages: Sequence[Mapping[str, str]], *, most_tokens: int, key: str, seconds: float
    ) -> AsyncIterator[ChatDelta]:
        """The text as it comes. Leaving the iterator stops the model.

        Raises:
            NoWriter: nobody can write, or the server failed; what was yielded before is all there is.
        """
        now = self._clock()
        package = await self._active()
        if package is None:
            raise NoWriter("No chat model is in force.")
        if not self._breaker.lets_through(now):
            raise NoWriter(f"{package.name} is down; it is tried again in a moment.")
        self._breaker = self._breaker.sent(now)
        ended = False
        try:
            ask = Ask(max_tokens=most_tokens, temperature=0.0, key=key)
            async for delta in self._client.stream(messages, ask, seconds=seconds):
                if delta.finish_reason:
                    MODEL_TOKENS.labels(package.name, "prompt").inc(delta.prompt_tokens)
                    MODEL_TOKENS.labels(package.name, "completion").inc(delta.completion_tokens)
                yield delta
            ended = True
            await self._settle(package, self._breaker.succeeded())
            MODEL_SECONDS.labels(package.name).observe(self._clock() - now)
        except ModelBusy as problem:
            ended = True
            await self._settle(package, self._breaker.left())
            raise NoWriter(f"{package.name} has too much to do; try again in {problem.retry_after:.0f} s.") from None
        except ModelsError as problem:
            ended = True
            await self._settle(package, self._breaker.failed_at(self._clock()), str(problem))
            raise NoWriter(f"{package.name} gave no answer: {problem}.") from None
        finally:
            if not ended:
                self._breaker = self._breaker.left()

    async def _settle(self, package: ModelPackage, after: Breaker, reason: str | None = None) -> None:
        """Take over what the breaker has become; that it opened or closed stands in the history of the shelf."""
        before, self._breaker = self._breaker, after
        BREAKER.set(1 if after.opened else 0)
        if bool(before.opened) != bool(after.opened):
            await self._shelf.note(package, "breaker-opened" if after.opened else "breaker-closed", reason)

    async def _active(self) -> ModelPackage | None:
        at, package = self._known
        if self._clock() - at >= KNOWN_SECONDS:
            package = await self._shelf.active()
            self._known = (self._clock(), package)
        return package
