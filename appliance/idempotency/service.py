"""Keys of requests: claimed before the work, marked within it, answered after it.

    claim ──> work: the mark stands in the transaction of its rows ──> finish: the answer stands beside the key
      │
      └─ the key is there:  finished                     ──> the same answer, for 24 hours
                            being worked on              ──> StillRunning
                            its process ended, no mark   ──> nothing was done: claimed anew
                            its process ended, a mark    ──> it was done: never again, and the answer is lost

What failed, or changed nothing, gives its key back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from appliance.idempotency import store as queries
from appliance.idempotency.errors import StillRunning
from appliance.idempotency.tables import IdempotencyKeyRow
from appliance.store import CONTROL, Admitted, Principal, Purpose, Store, TenantId, new_id

LIFETIME: Final = dt.timedelta(hours=24)
MOST: Final = 64 * 1024
"""Bytes of an answer that is kept."""


@dataclass(frozen=True, slots=True)
class Done:
    """What the first admitted change of the work was."""

    action: str
    resource_type: str | None
    resource_id: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it was given."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Earlier:
    """A request with this key was finished. Without `answer` it cannot be given again."""

    route: str
    done: Done | None
    body_hash: str | None
    answer: Answer | None


@dataclass(eq=False, slots=True)
class Claim:
    """A key that this process works on."""

    id: UUID
    tenant_id: TenantId
    works: list[tuple[Admitted, Done]] = field(default_factory=list)

    @property
    def done(self) -> Done | None:
        return next((done for admitted, done in self.works if admitted.outcome.committed), None)


_current: ContextVar[Claim | None] = ContextVar("idempotency", default=None)


class Keys:
    """Args:
    instance: the id of this process.
    is_alive: whether the process of that id still runs.
    """

    def __init__(
        self,
        store: Store,
        *,
        instance: str,
        is_alive: Callable[[str], bool],
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._store, self._instance, self._is_alive, self._clock = store, instance, is_alive, clock
        self._active: set[UUID] = set()

    async def claim(self, principal: Principal, key: str, route: str) -> Claim | Earlier:
        """Take the key for a request of `principal`, or tell what became of the one that has it.

        Raises:
            StillRunning: somebody works on it.
        """
        tenant, subject, now = principal.tenant_id, _subject(principal), self._clock()
        mine = Claim(new_id(), tenant)
        until = now + LIFETIME
        claimed = False
        self._active.add(mine.id)  # before others can see the row, and take its process for one that ended
        try:
            async with self._store.open_internal(Purpose.IDEMPOTENCY, tenant, write=True) as session:
                await queries.forget_expired(session, now)
                row = {
                    "id": mine.id, "subject": subject, "key": key, "route": route, "owner": self._instance,
                    "expires_at": until, "tenant_id": tenant,
                }  # fmt: skip
                claimed = await queries.claim(session, row)
                found = None if claimed else await queries.of_key(session, subject, key)
        finally:
            if not claimed:
                self._active.discard(mine.id)
        if claimed:
            return mine
        if found is None:  # given back this moment
            raise StillRunning
        if not found.owner:
            return _earlier(found)
        if self._runs(found):
            raise StillRunning
        return await self._after_an_end(found, route, until)

    async def _after_an_end(self, row: IdempotencyKeyRow, route: str, until: dt.datetime) -> Claim | Earlier:
        """The process that worked on `row` has ended: what it did or did not do decides."""
        tenant = TenantId(row.tenant_id)
        async with self._store.open_internal(Purpose.IDEMPOTENCY, CONTROL) as control:
            done = row.done or await queries.mark_of(control, row.id)
        values: dict[str, Any] = (
            {"owner": self._instance, "route": route, "expires_at": until}
            if done is None
            else {"owner": "", "done": done}
        )
        if row.id in self._active:  # somebody else of this process was faster
            raise StillRunning
        self._active.add(row.id)
        taken = False
        try:
            async with self._store.open_internal(Purpose.IDEMPOTENCY, tenant, write=True) as session:
                taken = await queries.take_over(session, row.id, was=row.owner, **values)
        finally:
            if not taken or done is not None:
                self._active.discard(row.id)
        if not taken:
            raise StillRunning
        return Claim(row.id, tenant) if done is None else Earlier(row.route, Done(**done), None, None)

    async def mark(self, session: AsyncSession, admitted: Admitted) -> None:
        """Note in the transaction of an admitted change that it belongs to the present claim, if there is one."""
        claim = _current.get()
        if claim is None:
            return
        done = Done(admitted.action, admitted.resource_type, admitted.outcome.resource_id or admitted.resource_id)
        connection = await session.connection()
        options = connection.sync_connection.get_execution_options() if connection.sync_connection else {}
        if options.get("tenant_id") is None:
            now = self._clock()
            await queries.mark_control(session, claim.id, _json(done), now, now + LIFETIME)
        else:
            await queries.mark_key(session, claim.id, _json(done))
        claim.works.append((admitted, done))

    async def finish(self, claim: Claim, *, body_hash: str | None, answer: Answer | None, keep: bool) -> None:
        """Say what came of the work. An error, or no answer, is none.

        Args:
            keep: whether the answer may be stored.
        """
        good = answer is not None and answer.status < 400
        done = claim.done
        try:
            async with self._store.open_internal(Purpose.IDEMPOTENCY, claim.tenant_id, write=True) as session:
                if done is None:
                    await queries.release(session, claim.id)
                    return
                values: dict[str, Any] = {"owner": "", "done": _json(done), "body_hash": body_hash}
                if good and keep and answer is not None and len(answer.body) <= MOST:
                    values |= {"status": answer.status, "headers": answer.headers, "body": answer.body}
                await queries.take_over(session, claim.id, was=self._instance, **values)
        finally:
            self._active.discard(claim.id)

    @contextmanager
    def working(self, claim: Claim) -> Iterator[None]:
        """What is changed in this block, and in tasks begun in it, belongs to the claim."""
        token = _current.set(claim)
        try:
            yield
        finally:
            _current.reset(token)

    def _runs(self, row: IdempotencyKeyRow) -> bool:
        """What this process no longer works on, it could not say the end of."""
        return row.id in self._active if row.owner == self._instance else self._is_alive(row.owner)


def _subject(principal: Principal) -> str:
    return str(principal.id) if principal.kiosk_id is None else f"{principal.kiosk_id}:{principal.id}"


def _json(done: Done) -> dict[str, Any]:
    return {"action": done.action, "resource_type": done.resource_type, "resource_id": done.resource_id}


def _earlier(row: IdempotencyKeyRow) -> Earlier:
    answer = None
    if row.status is not None and row.body is not None:
        answer = Answer(row.status, dict(row.headers or {}), row.body)
    return Earlier(row.route, Done(**row.done) if row.done else None, row.body_hash, answer)
