"""Requests that may be sent again: a POST with an `Idempotency-Key` is worked on once (draft-ietf-httpapi-idempotency-key).

The same key with the same path and body gives the first answer again for 24 hours, marked `Idempotency-Replayed: true`;
it is decided and recorded like any other. The answer is stored before its end is sent, so that whoever has it whole gets
no other one.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import structlog
from litestar.enums import ScopeType

from appliance.authentication import PRINCIPAL
from appliance.errors import OutpostError, TooLarge
from appliance.idempotency.errors import AnswerNotKept, KeyReused
from appliance.idempotency.rules import BodyHash, checked
from appliance.idempotency.service import MOST, Answer, Claim, Earlier
from appliance.policy import Resource
from appliance.store import Principal

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from litestar.types import ASGIApp, Message, Receive, Scope, Send

    from appliance.gate import Gate
    from appliance.idempotency import Keys

ANSWERED = frozenset(
    {
        "chat",
        "chat_in_conversation",
        "create_conversation",
        "give_feedback",
        "upload_document",
        "reindex_document",
        "build_cards",
        "create_job",
        "create_job_for",
        "create_db_job",
        "create_db_job_internally",
        "register_provider",
        "take_in_model",
        "take_in_models",
        "activate_model",
        "deactivate_model",
        "roll_back_model",
        "stage_model",
        "reset_limits",
        "create_team",
        "ask_for_approval",
        "decide_approval",
        "stage_policy_pack",
    }
)
"""Operations whose answers are kept. Those of all others are not: they may hold what is shown once."""

KEPT_HEADERS = frozenset({b"content-type", b"location"})
MOST_SENT = 2**30
"""Bytes of a repeated body that are read to compare it with the first."""


log = structlog.get_logger(__name__)


class Repeating:
    """ASGI middleware around every handler of somebody known."""

    def __init__(self, app: ASGIApp, keys: Keys, gate: Gate) -> None:
        self._app, self._keys, self._gate = app, keys, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        principal = scope.get(PRINCIPAL)
        headers = dict(scope["headers"]) if scope["type"] == ScopeType.HTTP else {}
        raw = headers.get(b"idempotency-key")
        if raw is None or not isinstance(principal, Principal) or scope["method"] != "POST":  # type: ignore[typeddict-item]
            await self._app(scope, receive, send)
            return
        route = f"POST {scope['path']}?{scope['query_string'].decode('latin-1')}"
        body = _Passing(receive, headers.get(b"content-type", b"").decode("latin-1"))
        found = await self._keys.claim(principal, checked(raw), route[:300])
        if isinstance(found, Earlier):
            await self._again(found, principal, route[:300], body, send)
            return
        answer = _Answering(send)
        answer.at_the_end = partial(self._end, found, body, answer, scope)
        try:
            with self._keys.working(found):
                await self._app(scope, body.receive, answer.send)
        finally:
            # Also when the asker has gone before the end: what was done must be known to be done.
            await answer.end()

    async def _end(self, claim: Claim, body: _Passing, answer: _Answering, scope: Scope) -> None:
        given = answer.given
        operation = scope["route_handler"].operation_id  # type: ignore[union-attr]
        keep = answer.whole and isinstance(operation, str) and operation in ANSWERED
        hashed = None
        try:
            with suppress(OutpostError):  # a body that does not end, or never: then the answer cannot be given again
                hashed = await body.hashed() if given is not None and given.status < 400 else None
            await self._keys.finish(claim, body_hash=hashed, answer=given, keep=keep and hashed is not None)
        except OutpostError as error:
            # What was done stands marked beside its rows; the asker gets the answer they waited for.
            log.warning("an answer could not be kept", reason=error.code)

    async def _again(self, earlier: Earlier, principal: Principal, route: str, body: _Passing, send: Send) -> None:
        """Raises KeyReused, AnswerNotKept, or what the policy says today."""
        if earlier.route != route or (earlier.body_hash is not None and earlier.body_hash != await body.hashed()):
            raise KeyReused("It was sent with another path or body.")
        done = earlier.done
        if earlier.answer is None or done is None:
            made = {} if done is None else {"resource_type": done.resource_type, "resource_id": done.resource_id}
            raise AnswerNotKept("This request was worked on once.", **made)
        resource = Resource(done.resource_type or "node", done.resource_id)
        async with self._gate.admit(principal, done.action, resource=resource) as admitted:
            admitted.outcome.metadata |= {"replayed": True}
        headers = [(name.encode(), value.encode()) for name, value in earlier.answer.headers.items()]
        headers += [(b"idempotency-replayed", b"true"), (b"content-length", str(len(earlier.answer.body)).encode())]
        start = {"type": "http.response.start", "status": earlier.answer.status, "headers": headers}
        await send(cast("Any", start))
        await send(cast("Any", {"type": "http.response.body", "body": earlier.answer.body, "more_body": False}))


class _Passing:
    """A body that is hashed while somebody reads it."""

    def __init__(self, receive: Receive, content_type: str) -> None:
        self._receive = receive
        self._hash = BodyHash(content_type)
        self._over = False
        self._read = 0

    async def receive(self) -> Any:
        message = await self._receive()
        if message["type"] == "http.request":
            piece = message.get("body", b"")
            self._read += len(piece)
            self._hash.add(piece)
        self._over = self._over or message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def hashed(self) -> str:
        """The hash of the whole body; what nobody has read is read now. Raises TooLarge."""
        while not self._over:
            await self.receive()
            if self._read > MOST_SENT:
                raise TooLarge("The body of the request is too large to be compared with the first.")
        return self._hash.hexdigest()


class _Answering:
    """Sends an answer on and keeps what passes. Before the last piece is sent, `at_the_end` has run, once."""

    at_the_end: Callable[[], Coroutine[Any, Any, None]]

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Any = None
        self._pieces: list[bytes] = []
        self._size = 0
        self._last = False
        self._ending: asyncio.Task[None] | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] == "http.response.body":
            piece = message.get("body", b"")
            self._size += len(piece)
            if self._size <= MOST:
                self._pieces.append(piece)
            if not message.get("more_body", False):
                self._last = True
                await self.end()
        await self._send(message)

    async def end(self) -> None:
        """Run `at_the_end` to its end, also where the one who waits for it is cancelled."""
        if self._ending is None:
            self._ending = asyncio.create_task(self.at_the_end())
        await asyncio.shield(self._ending)

    @property
    def whole(self) -> bool:
        """Whether all of it passed, and was not too much to keep."""
        return self._last and self._size <= MOST

    @property
    def given(self) -> Answer | None:
        if self._start is None or not self._last:
            return None
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in self._start["headers"]
            if name.lower() in KEPT_HEADERS
        }
        return Answer(self._start["status"], headers, b"".join(self._pieces))
