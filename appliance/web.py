"""What every controller needs of HTTP: injected services, signed cursors, server-sent events."""

from __future__ import annotations

import asyncio
import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from uuid import UUID

from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import SkipValidation
from pydantic import AfterValidator, BeforeValidator

from appliance.errors import InvalidInput

T = TypeVar("T")

Injected = NamedDependency[SkipValidation[T]]
"""A service handed to a handler by name; our types and protocols are not validated again."""

PAGE_SIZE = 20
PAGE_SIZE_MAX = 100

EVENTS = "text/event-stream"


@dataclass
class StreamedOperation(Operation):
    """Answers with JSON, or with server-sent events where the request asks for a stream."""

    def __post_init__(self) -> None:
        done = (self.responses or {})["200"]
        if isinstance(done, OpenAPIResponse):
            text = Schema(type=OpenAPIType.STRING)
            event = Schema(
                type=OpenAPIType.OBJECT, properties={"event": text, "data": text}, required=["event", "data"]
            )
            done.content = (done.content or {}) | {EVENTS: OpenAPIMediaType(schema=event)}


FOLLOW = (ResponseHeader(name="location", description="What to follow from here on.", documentation_only=True),)
"""What an operation says of the header that its 202 carries."""


def _said(value: object) -> object:
    if value is not None and not isinstance(value, bool):
        raise ValueError("true or false")
    return value


Flag = Annotated[bool, BeforeValidator(_said)]
"""True or false in what is sent, and nothing that could be read as one: what protects is not switched off by a nought."""


def at_most(entries: int) -> AfterValidator:
    """How many entries an object may have. A `max_length` on it would make the description call it a list."""

    def checked(found: dict[Any, Any]) -> dict[Any, Any]:
        if len(found) > entries:
            raise ValueError(f"at most {entries} entries")
        return found

    return AfterValidator(checked)


class InvalidCursor(InvalidInput):
    """A page token was altered, or belongs to another node or another list."""

    code, title = "invalid-cursor", "That page token is not ours"
    hint = "Start again from the first page."


_OTHER_LIST = "The page token belongs to another list."


class Position(dict[str, Any]):
    """Where a page begins. A key that is missing or holds something else raises InvalidCursor: lists share one key."""

    def __missing__(self, key: str) -> Any:
        raise InvalidCursor(_OTHER_LIST)

    def number(self, key: str) -> int:
        value = self[key]
        if not isinstance(value, int):
            raise InvalidCursor(_OTHER_LIST)
        return value

    def text(self, key: str) -> str:
        value = self[key]
        if not isinstance(value, str):
            raise InvalidCursor(_OTHER_LIST)
        return value

    def moment(self, key: str) -> dt.datetime:
        try:
            return dt.datetime.fromisoformat(self.text(key))
        except ValueError:
            raise InvalidCursor(_OTHER_LIST) from None

    def id(self, key: str) -> UUID:
        try:
            return UUID(self.text(key))
        except ValueError:
            raise InvalidCursor(_OTHER_LIST) from None


class Cursors:
    """Page tokens that a client can carry but not alter: base64url of JSON, with an HMAC-SHA-256 before it."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def _mac(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, hashlib.sha256).digest()[:16]

    def encode(self, position: dict[str, Any]) -> str:
        body = json.dumps(position, separators=(",", ":"), sort_keys=True).encode()
        return base64.urlsafe_b64encode(self._mac(body) + body).decode().rstrip("=")

    def decode(self, token: str) -> Position:
        """Return the position that `encode` was given.

        Raises:
            InvalidCursor: the token was altered or is not ours.
        """
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            raise InvalidCursor("The page token cannot be read.") from None
        mac, body = raw[:16], raw[16:]
        if not hmac.compare_digest(mac, self._mac(body)):
            raise InvalidCursor("The page token does not verify.")
        return Position(json.loads(body))


RETRY_MS = 3000
"""How long a reader whose stream broke waits before it comes back."""


def sse(event: str, data: Any, *, id: str | None = None, first: bool = False) -> bytes:
    """Frame one server-sent event (WHATWG HTML, 9.2): JSON in a single `data` line; the first of a stream says when to come back."""
    lines = [*([f"retry: {RETRY_MS}"] if first else []), f"event: {event}"]
    if id is not None:
        lines.append(f"id: {id}")
    lines.append(f"data: {json.dumps(data, separators=(',', ':'), ensure_ascii=False)}")
    return ("\n".join(lines) + "\n\n").encode()


SSE_COMMENT = b": still here\n\n"
"""A heartbeat that keeps proxies and browsers from giving up on a quiet stream."""
HEARTBEAT_SECONDS = 15.0


async def beating(pieces: AsyncGenerator[bytes, None], every: float = HEARTBEAT_SECONDS) -> AsyncIterator[bytes]:
    """Pass `pieces` on as they come, with a heartbeat wherever none came for `every` seconds.

    They are made in a task of their own, which is cancelled, and has ended, when the reader is gone.
    """
    come: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def carry() -> None:
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    come.put_nowait(piece)
        finally:
            come.put_nowait(None)

    carrying = asyncio.create_task(carry())
    try:
        while True:
            try:
                async with asyncio.timeout(every):
                    piece = await come.get()
            except TimeoutError:
                yield SSE_COMMENT
                continue
            if piece is None:
                break
            yield piece
        await carrying
    finally:
        carrying.cancel()
        await asyncio.gather(carrying, return_exceptions=True)
