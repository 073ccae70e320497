"""What both model servers need of HTTP: routes, bodies, refusals in OpenAI's shape, and learning that a client hung up."""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
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

    headers: tuple[tuple[bytes, bytes], ...] = ()

    async def send(self, send: Send) -> None:
        headers = [(b"content-type", self.kind), (b"content-length", str(len(self.body)).encode())]
        headers += self.headers
        if self.retry:
            headers.append((b"retry-after", str(self.retry).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


@dataclass(frozen=True, slots=True)
class Call:
    """One request, of a path that the server knows or not."""

    scope: Scope
    receive: Receive
    send: Send

    def header(self, name: bytes) -> bytes:
        """Empty when it was not sent."""
        return next((value for key, value in self.scope["headers"] if key == name), b"")

    async def body(self) -> bytes:
        """Raises Refused (413) and Gone."""
        return await body(self.scope, self.receive)


Get = Callable[[], Answer]
Post = Callable[[Call], Awaitable[Answer | None]]
"""None: everything has been sent already."""


class Routes:
    """Which function answers which path, and how all that can go wrong there is refused.

    `count` is told the path, `other` for an unknown one, and the status of every answer.
    """

    def __init__(self, gets: Mapping[str, Get], posts: Mapping[str, Post], count: Callable[[str, int], None]) -> None:
        self._gets, self._posts, self._count = gets, posts, count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        try:
            answer = await self._answer(Call(scope, receive, send))
        except Gone:
            return
        self._count(path if path in self._gets or path in self._posts else "other", answer.status if answer else 200)
        if answer:
            await answer.send(send)

    async def _answer(self, call: Call) -> Answer | None:
        method, path = call.scope["method"], call.scope["path"]
        try:
            if path in self._gets and method == "GET":
                return self._gets[path]()
            if path in self._posts and method == "POST":
                return await self._posts[path](call)
            if path in self._gets or path in self._posts:
                raise Refused(405, "method_not_allowed", f"{path} does not take {method}.")
            raise Refused(404, "not_found", f"There is no {path} on this server.")
        except Refused as refused:
            return refused.answer()
        except Gone:
            raise
        except Exception as problem:  # the server outlives any request
            return failed(problem)


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


def parse(kind: type[Body], given: bytes, *held: str) -> Body:
    """Raises Refused: 400 for a bad body, 404 for a model that is not among those `held`."""
    try:
        asked = kind.model_validate_json(given)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        param = ".".join(str(part) for part in first["loc"]) or None
        raise Refused(400, "invalid_value", f"{param or 'body'}: {first['msg']}", param) from None
    if asked.model not in (None, *held):
        raise Refused(404, "model_not_found", f"This server holds {', '.join(held)}.", "model")
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
