"""One piece of work on models at a time: how far it is, and giving it up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from appliance.shelf.errors import ShelfBusy
from appliance.shelf.files import Progress

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Working:
    """What is being done to a model now; `share` is 0 to 1 of this phase."""

    model: str
    phase: str
    share: float


class Turns:
    def __init__(self) -> None:
        self._busy = asyncio.Lock()
        self._given_up = False
        self.working: Working | None = None

    @asynccontextmanager
    async def turn(self, model: str, phase: str) -> AsyncIterator[None]:
        """Raises ShelfBusy while another one has its turn."""
        if self._busy.locked():
            raise ShelfBusy("One model is worked on at a time.")
        async with self._busy:
            self._given_up, self.working = False, Working(model, phase, 0.0)
            try:
                yield
            finally:
                self.working = None

    @asynccontextmanager
    async def at_start(self) -> AsyncIterator[None]:
        """The first turn, of which nobody is told how far it is."""
        async with self._busy:
            yield

    def phase(self, model: str, phase: str) -> None:
        """What is done now."""
        self.working = Working(model, phase, 0.0)

    def give_up(self) -> None:
        """End what is being done at its next block."""
        self._given_up = True

    async def in_thread(self, work: Callable[..., T], *given: object) -> T:
        """Long work on a thread, which gives up at the next block when its caller is cancelled, and is waited for."""
        task = asyncio.ensure_future(asyncio.to_thread(work, *given))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self._given_up = True
            await asyncio.wait([task])
            raise

    def progress(self, phase: str, size: int) -> Progress:
        """To be told how many of `size` bytes are done; raises InterruptedError once the work was given up."""

        def told(done: int) -> None:
            if self._given_up:
                raise InterruptedError
            if self.working is not None:
                self.working = Working(self.working.model, phase, done / max(size, 1))

        return told
