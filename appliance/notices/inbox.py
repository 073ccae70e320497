"""What one person is told of. Whom a notice is for is decided by the policy when it is read: who has lost a right no
longer hears of what that right is about.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Final
from uuid import UUID

from appliance.gate import Gate
from appliance.news import box
from appliance.news.values import AUDIENCES, Notice, Reader
from appliance.notices.errors import NoSuchNotice
from appliance.policy import Resource
from appliance.policy.ports import Policies
from appliance.store import Principal, Store
from appliance.web import Cursors, sse

READ: Final = "notices.read"
LOOK_SECONDS: Final = 2.0
STREAM_SECONDS: Final = 600.0
"""A stream ends after this, and the watcher comes back."""
_WHAT: Final = Resource("notice")


def reader_of(policy: Policies, principal: Principal) -> Reader:
    """What the policy lets this principal hear of."""
    may = tuple(one for one in AUDIENCES if policy.decide(principal, one, Resource("node")).allowed)
    return Reader(principal.id, may)


class Inbox:
    """The notices of each person. Every method is one admitted, recorded action."""

    def __init__(
        self, store: Store, gate: Gate, policy: Policies, cursors: Cursors, *, look_seconds: float = LOOK_SECONDS
    ) -> None:
        self._store, self._gate, self._policy, self._cursors = store, gate, policy, cursors
        self._look_seconds = look_seconds

    async def page(
        self, principal: Principal, *, unread: bool, page_size: int, page_token: str | None
    ) -> tuple[list[Notice], int, str | None]:
        """The newest first; how many are unread (up to 100); where the next page begins."""
        before = None
        if page_token is not None:
            position = self._cursors.decode(page_token)
            before = (position.moment("notice"), position.id("id"))
        async with (
            self._gate.admit(principal, READ, _WHAT) as admitted,
            self._store.open_session(admitted) as session,
        ):
            reader = reader_of(self._policy, principal)
            found = await box.page(session, reader, unread=unread, limit=page_size + 1, before=before)
            waiting = await box.unread(session, reader)
        token = None
        if len(found) > page_size:
            found = found[:page_size]
            token = self._cursors.encode({"notice": found[-1].at.isoformat(), "id": str(found[-1].id)})
        return found, waiting, token

    async def mark(self, principal: Principal, notice_id: UUID) -> None:
        """One has been read; twice is no harm. Raises NoSuchNotice."""
        async with (
            self._gate.admit(principal, READ, Resource("notice", str(notice_id))) as admitted,
            self._store.open_session(admitted, write=True) as session,
        ):
            if not await box.mark(session, reader_of(self._policy, principal), notice_id):
                raise NoSuchNotice("There is no such notice for you.")

    async def mark_up_to(self, principal: Principal, notice_id: UUID) -> None:
        """All up to this one have been read; what came after it stays. Raises NoSuchNotice."""
        async with (
            self._gate.admit(principal, READ, Resource("notice", str(notice_id))) as admitted,
            self._store.open_session(admitted, write=True) as session,
        ):
            marked = await box.mark_up_to(session, reader_of(self._policy, principal), notice_id)
            if marked is None:
                raise NoSuchNotice("There is no such notice for you.")
            admitted.outcome.metadata["marked"] = marked

    async def listen(self, principal: Principal, *, once: bool) -> AsyncGenerator[bytes]:
        """As `events`, but a refusal is raised here, while it can still be the answer. Raises Refused."""
        await self._gate.turn_away(principal, READ, _WHAT)
        return self.events(principal, once=once)

    async def events(self, principal: Principal, *, once: bool = False) -> AsyncGenerator[bytes]:
        """Server-sent events `unread` whenever the number of unread notices changes, the first at once; with `once` that one alone."""
        gone: BaseException | None = None
        async with self._gate.admit(principal, READ, _WHAT) as admitted:
            reader = reader_of(self._policy, principal)
            began, last = time.monotonic(), -1
            try:
                while time.monotonic() - began < STREAM_SECONDS:
                    async with self._store.open_session(admitted) as session:
                        waiting = await box.unread(session, reader)
                    if waiting != last:
                        yield sse("unread", {"unread": waiting})
                        last = waiting
                    if once:
                        break
                    await asyncio.sleep(self._look_seconds)
            except (asyncio.CancelledError, GeneratorExit) as left:
                gone = left  # that is how such a stream ends, and no error
        if gone is not None:
            raise gone
