"""What both model servers need of HTTP: bodies, refusals in OpenAI's shape, and learning that a client hung up."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from models import schemas as s

MOST_BYTES = 4 * 1024 * 1024
RETRY_SECONDS = 1
METRICS_KIND = b"text/plain; version=0.0.4; charset=utf-8"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
Body = TypeVar("Body", bound=s.Request)


class Refused(Exception):
    """The request is answered with OpenAI's error shape."""

    def __init__(
        self, status: int, code: str, message: str, param: str | None = None, *, retry: int = RETRY_SECONDS
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.param, self.retry = status, code, message, param, retry

    def answer(self) -> "Answer":
        kind = "rate_limit_error" if self.status == 429 else "invalid_request_error"
        return error(self.status, self.code, self.message, kind, self.param, retry=self.retry)


class Gone(Exception):
    """The client hung up."""


@dataclass(frozen=True, slots=True)
class Answer:
    body: bytes
    status: int = 200
    kind: bytes = b"application/json"
    retry: int = 0
    """Seconds after which asking again makes sense; 0 says nothing of it."""

    async def send(self, send: Send) -> None:
        headers = [(b"content-type", self.kind), (b"content-length", str(len(self.body)).encode())]
        if self.retry:
            headers.append((b"retry-after", str(self.retry).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


async def body(scope: Scope, receive: Receive) -> bytes:
    """The whole body. Raises Refused (413) and Gone."""
    declared = next((v for n, v in scope["headers"] if n == b"content-length"), b"0")
    pieces, size = [], 0
    too_large = Refused(413, "too_large", f"A request may have {MOST_BYTES // 1024**2} MiB.")
    if declared.isdigit() and int(declared) > MOST_BYTES:
        raise too_large
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > MOST_BYTES:
            raise too_large
        if not message.get("more_body"):
            return b"".join(pieces)


async def hung_up(receive: Receive) -> None:
    """Returns when the client does not listen any more."""
    while (await receive())["type"] != "http.disconnect":
        pass


def parse(kind: type[Body], given: bytes, held: str) -> Body:
    """Raises Refused: 400 for a bad body, 404 for a model that is not `held`."""
    try:
        asked = kind.model_validate_json(given)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        param = ".".join(str(part) for part in first["loc"]) or None
        raise Refused(400, "invalid_value", f"{param or 'body'}: {first['msg']}", param) from None
    if asked.model not in (None, held):
        raise Refused(404, "model_not_found", f"This server holds {held}.", "model")
    return asked


def as_json(value: object) -> Answer:
    return Answer(json.dumps(value).encode())


def error(
    status: int, code: str, message: str, kind: str, param: str | None = None, *, retry: int = RETRY_SECONDS
) -> Answer:
    detail = s.ErrorDetail(message=message, type=kind, param=param, code=code)
    body = s.ErrorResponse(error=detail).model_dump_json().encode()
    return Answer(body, status, retry=retry if status == 429 else 0)


def failed(problem: Exception) -> Answer:
    """For what nobody foresaw: the class name is all that a client may know."""
    return error(500, "inference_failed", f"The model failed: {type(problem).__name__}.", "server_error")
