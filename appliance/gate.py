"""The gate: nothing is done here that was not decided and recorded first.

    admit ─ Cedar decides ─┬─ no ──> one durable `policy.denied` record ──> Forbidden
                           └─ yes ─> durable pre-record ──> the work ──> post-record ──> the caller goes on
                                                              │
                           a writing transaction carries the post-record in its outbox; other work appends it directly

If the record cannot be written, the work does not begin, or its result is not given out.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from appliance import gate_rules as rules
from appliance.audit import Leaf, NewRecord, Recorder
from appliance.audit.errors import Unrecordable
from appliance.errors import Forbidden, OutpostError
from appliance.policy import Resource
from appliance.store import Admitted, Decision, Principal, RecordRef, TenantId, new_id
from appliance.tracing import Span, span

Mint = Callable[..., Admitted]
"""The factory of admissions that `compose` hands to the gate alone."""

T = TypeVar("T")

log = structlog.get_logger(__name__)

NO_RESOURCE = Resource("node")


class Refused(Forbidden):
    """The policy says no; the refusal has been recorded."""

    code, title = "policy-denied", "The policy does not allow this"
    hint = "Ask your site admin; the names of the deciding policies help them."


class Policy(Protocol):
    """Decides, by the policy pack in force."""

    async def follow(self) -> None:
        """Look which pack is in force, before anything is decided by it."""

    def decide(self, principal: Principal, action: str, resource: Resource) -> Decision:
        """Never raises; what cannot be decided is denied."""


class Gate:
    """Admits actions, for one process.

    `post_record` belongs on the store: it writes the post-record of an admitted change into the change's transaction.
    Services fill `admitted.outcome` before that transaction ends; what they add later is not recorded.
    """

    def __init__(self, policy: Policy, recorder: Recorder, mint: Mint) -> None:
        self._policy = policy
        self._recorder = recorder
        self._mint = mint
        self._in_outbox: dict[uuid.UUID, tuple[TenantId | None, Leaf]] = {}
        self._ending: set[asyncio.Task[Any]] = set()

    @asynccontextmanager
    async def admit(
        self, principal: Principal, action: str, resource: Resource | None = None, *, request: bytes | None = None
    ) -> AsyncIterator[Admitted]:
        """Decide, record, let the block run, record how it ended.

        Args:
            request: the content of the request; the record keeps its SHA-256 only.

        Raises:
            Refused: the policy says no; `policies` names which.
            RecordUnavailable: nothing was done, or what was done cannot be vouched for and is not given out.
        """
        with span("gate.admit", action=action) as told:
            async with self._admitted(principal, action, resource, request, told) as admitted:
                yield admitted

    @asynccontextmanager
    async def _admitted(
        self, principal: Principal, action: str, resource: Resource | None, request: bytes | None, told: Span
    ) -> AsyncIterator[Admitted]:
        started_ns = time.monotonic_ns()
        asked = await self._decided(principal, action, resource, request)
        told.says(correlation_id=str(asked.correlation_id))
        decision = asked.decision
        pre = rules.pre_record(asked)
        place = await self._begin(pre)
        admitted = self._mint(
            principal=principal,
            action=action,
            decision=decision,
            pre=place,
            correlation_id=asked.correlation_id,
            resource_type=pre.resource_type,
            resource_id=pre.resource_id,
            request_hash=asked.request_hash,
            started_ns=started_ns,
        )
        try:
            yield admitted
        except Exception as error:
            await self._to_the_end(self._finish(admitted, rules.failure_of(error)))
            raise
        except BaseException as error:
            # Cancelled: the caller is gone, and a failure to record must not turn the cancellation into an answer.
            with suppress(OutpostError):
                await self._to_the_end(self._finish(admitted, rules.failure_of(error)))
            raise
        else:
            await self._to_the_end(self._finish(admitted, None))

    async def turn_away(self, principal: Principal, action: str, resource: Resource) -> None:
        """Refuse before the rest of a request is known what its action alone decides; `admit` decides again.

        Raises:
            Refused: the policy says no. Where it does not, nothing is recorded: nothing has been done.
        """
        await self._decided(principal, action, resource, None)

    async def post_record(self, session: AsyncSession, admitted: Admitted) -> None:
        """Put the post-record of `admitted` into the outbox beside the rows it has changed."""
        leaf = self._recorder.leaf(rules.post_record(admitted, latency_ms=_latency_ms(admitted)))
        tenant_id = await self._recorder.outbox.put(session, leaf)
        self._in_outbox[admitted.correlation_id] = tenant_id, leaf

    async def close(self) -> None:
        """Wait for the post-records of work whose callers have gone."""
        while self._ending:
            await asyncio.wait(self._ending)

    async def _decided(
        self, principal: Principal, action: str, resource: Resource | None, request: bytes | None
    ) -> rules.Asked:
        await self._policy.follow()
        decision = self._policy.decide(principal, action, resource or NO_RESOURCE)
        asked = rules.Asked(
            principal=principal,
            action=action,
            resource=resource,
            decision=decision,
            correlation_id=new_id(),
            request_hash=None if request is None else hashlib.sha256(request).hexdigest(),
            request_id=structlog.contextvars.get_contextvars().get("request"),
        )
        if not decision.allowed:
            await self._recorder.append(rules.denial_record(asked))
            raise Refused(
                decision.reason or "The policy does not allow this.",
                action=action,
                policies=list(decision.policies),
                pack_version=decision.pack_version,
            )
        return asked

    async def _begin(self, pre: NewRecord) -> RecordRef:
        appending = self._started(self._recorder.append(pre))
        try:
            places = await asyncio.shield(appending)
        except asyncio.CancelledError:
            self._started(self._give_up(appending, pre))
            raise
        return places[0]

    async def _give_up(self, appending: asyncio.Task[list[RecordRef]], pre: NewRecord) -> None:
        with suppress(OutpostError):
            await appending
            await self._recorder.append(rules.cancelled_record(pre))

    async def _finish(self, admitted: Admitted, failure: rules.Failure | None) -> None:
        in_outbox = self._in_outbox.pop(admitted.correlation_id, None)
        if in_outbox is not None and admitted.outcome.committed:
            tenant_id, leaf = in_outbox
            await self._recorder.outbox.deliver(tenant_id, leaf)
            if failure is None:
                return
        try:
            await self._append_post(admitted, failure)
        except Unrecordable as error:
            # The service's own facts cannot be written down; that it ended must be.
            admitted.outcome.metadata.clear()
            await self._append_post(admitted, rules.failure_of(error))
            raise

    async def _append_post(self, admitted: Admitted, failure: rules.Failure | None) -> None:
        await self._recorder.append(rules.post_record(admitted, latency_ms=_latency_ms(admitted), failure=failure))

    async def _to_the_end(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` to its end even if the caller is cancelled meanwhile; the cancellation follows then."""
        task = self._started(work)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            raise

    def _started(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._ending.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._ending.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a record could not be written", reason=getattr(error, "code", type(error).__name__))


def _latency_ms(admitted: Admitted) -> int:
    return (time.monotonic_ns() - admitted.started_ns) // 1_000_000
