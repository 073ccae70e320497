"""From the decoding thread to the event loop: one waking for all that happened in a step, not one a token."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from models.chat.loop import Event


class Mailbox:
    """Of one event loop, which is the running one."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._letters: deque[tuple[Events, Event]] = deque()
        self._woken = False

    def open(self) -> "Events":
        return Events(self)

    def post(self, events: "Events", event: Event) -> None:
        """From any thread."""
        self._letters.append((events, event))
        if not self._woken:
            self._woken = True
            # The event loop may be closed already when the server stops.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        # First of all: what is posted from here on wakes the loop again.
        self._woken = False
        while self._letters:
            events, event = self._letters.popleft()
            events.put(event)


class Events:
    """What happens to one request, in its order, as it comes."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._come: list[Event] = []
        self._gone = False
        self._any = asyncio.Event()

    @property
    def deliver(self) -> Callable[[Event], None]:
        return lambda event: self._mailbox.post(self, event)

    def put(self, event: Event) -> None:
        self._come.append(event)
        self._any.set()

    def leave(self) -> None:
        """The client has hung up."""
        self._gone = True
        self._any.set()

    async def next(self) -> list[Event] | None:
        """All that has come, one at least; None once the client has hung up."""
        await self._any.wait()
        self._any.clear()
        come, self._come = self._come, []
        return None if self._gone else come
