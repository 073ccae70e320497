"""The appliance's side of a chat server: ours by its socket, anybody's in OpenAI's shape by its address."""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from models.errors import ModelUnavailable
from models.replies import failure, raise_for

SECONDS = 120.0
MOST_BYTES = 4 * 2**20
"""Of a whole answer, and of a line of a streamed one: more is no answer."""
MOST_NAMES, LONGEST_NAME = 1000, 200

_DATA = b"data: "
T = TypeVar("T")
Messages = Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Ask:
    """How to answer. None leaves a thing to the server; `schema` is a JSON schema for the answer; `key` is whose turn it is."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None
    key: str = ""

    def body(self, messages: Messages) -> dict[str, Any]:
        given = {
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "seed": self.seed,
            "stop": list(self.stop) or None,
            "response_format": self.schema
            and {"type": "json_schema", "json_schema": {"name": "answer", "schema": self.schema}},
        }
        return {"messages": list(messages), **{name: value for name, value in given.items() if value is not None}}


@dataclass(frozen=True, slots=True)
class Server:
    """A chat server of somebody else, in OpenAI's shape.

    `address` is where to connect, such as `https://10.1.2.3:8000`, with the IP address that was looked up and allowed;
    `host` is the name that it answers to there. `model` is asked for by name, `key` is a secret sent with each request.
    """

    address: str
    host: str = ""
    model: str = ""
    key: str = ""

    def __repr__(self) -> str:
        return f"Server({self.address!r}, {self.model!r})"


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """`finish_reason` is `stop` or `length`; `mean_logprob` only our own server says."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    mean_logprob: float | None = None


@dataclass(frozen=True, slots=True)
class ChatDelta:
    """More text; the last one carries `finish_reason`. Counts are 0 from a server that does not send them."""

    text: str
    finish_reason: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    mean_logprob: float | None = None


class ChatClient:
    """Keeps connections open between calls; close it, or use it as an async context.

    Every method raises ModelBusy when the server's queue is full, ModelUnavailable within the deadline when the server
    is down, too slow or is killed meanwhile, and ModelRefused when the request itself is at fault. Cancelling a call, or
    leaving a stream, closes its connection: the server stops answering.
    """

    def __init__(self, server: Path | Server, *, seconds: float = SECONDS) -> None:
        """`server` is the socket of one of ours, or a stranger."""
        self._seconds = seconds
        stranger = Server("http://models") if isinstance(server, Path) else server
        self._ours, self._model = isinstance(server, Path), stranger.model
        headers = {"host": stranger.host} if stranger.host else {}
        if stranger.key:
            headers["authorization"] = f"Bearer {stranger.key}"
        name = httpx.URL(f"//{stranger.host}").host
        self._extensions = {"sni_hostname": name} if name else {}
        secure = stranger.address.startswith("https:")
        self._http = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(
                uds=str(server) if isinstance(server, Path) else None,
                # The plant's own authority stands in the system's list.
                verify=ssl.create_default_context() if secure else False,
            ),
            base_url=stranger.address,
            headers=headers,
            trust_env=False,
            timeout=None,  # noqa: S113 - a deadline is for the whole exchange, see _within
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def models(self, *, seconds: float | None = None) -> list[str]:
        """The names of the models that the server holds."""
        found = await self._whole(self._build("GET", "/v1/models"), self._until(seconds))
        with _readable():
            return [str(row["id"])[:LONGEST_NAME] for row in found["data"][:MOST_NAMES]]

    async def chat(self, messages: Messages, ask: Ask = Ask(), *, seconds: float | None = None) -> ChatAnswer:
        """The whole answer."""
        value = await self._whole(self._request(ask, ask.body(messages)), self._until(seconds))
        with _readable():
            choice, usage = value["choices"][0], value["usage"]
            return ChatAnswer(
                str(choice["message"]["content"] or ""),
                str(choice["finish_reason"]),
                int(usage["prompt_tokens"]),
                int(usage["completion_tokens"]),
                int((usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0),
                choice.get("mean_logprob"),
            )

    async def stream(
        self, messages: Messages, ask: Ask = Ask(), *, seconds: float | None = None
    ) -> AsyncGenerator[ChatDelta]:
        """The answer as it comes. The deadline is for all of it, the caller's own time between two pieces included."""
        until = self._until(seconds)
        body = {**ask.body(messages), "stream": True, "stream_options": {"include_usage": True}}
        answer = await self._send(self._request(ask, body), until, stream=True)
        try:
            if answer.status_code != 200:
                raise_for(answer.status_code, answer.headers, await _body(answer, until))
            reason: str | None = None
            mean: float | None = None
            usage: dict[str, int] = {}
            async for chunk in _chunks(answer, until):
                pieces: list[str] = []
                with _readable():
                    usage = chunk.get("usage") or usage
                    for choice in chunk["choices"]:
                        reason = choice.get("finish_reason") or reason
                        mean = choice.get("mean_logprob", mean)
                        pieces.append(str(choice["delta"].get("content") or ""))
                if text := "".join(pieces):
                    yield ChatDelta(text)
            with _readable():
                counts = (int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0))
            yield ChatDelta("", reason or "stop", *counts, mean_logprob=mean)
        finally:
            await answer.aclose()

    def _request(self, ask: Ask, body: dict[str, Any]) -> httpx.Request:
        if self._model:
            body["model"] = self._model
        # Whose turn it is is no stranger's business.
        headers = {"x-fairness-key": ask.key} if ask.key and self._ours else {}
        return self._build("POST", "/v1/chat/completions", json=body, headers=headers)

    def _build(self, method: str, path: str, **given: Any) -> httpx.Request:
        return self._http.build_request(method, path, extensions=self._extensions, **given)

    async def _whole(self, request: httpx.Request, until: float) -> dict[str, Any]:
        """The body of an answer as JSON. Raises as every method does."""
        answer = await self._send(request, until, stream=True)
        try:
            body = await _body(answer, until)
        finally:
            await answer.aclose()
        raise_for(answer.status_code, answer.headers, body)
        with _readable():
            value = json.loads(body)
            return value if isinstance(value, dict) else {}

    def _until(self, seconds: float | None) -> float:
        return asyncio.get_running_loop().time() + (seconds or self._seconds)

    async def _send(self, request: httpx.Request, until: float, *, stream: bool = False) -> httpx.Response:
        async def twice() -> httpx.Response:
            try:
                return await self._http.send(request, stream=stream)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                # A connection kept from before a restart is found dead only when used. Asking changes nothing.
                return await self._http.send(request, stream=stream)

        return await _within(until, twice())


async def _within(until: float, doing: Awaitable[T]) -> T:
    """Raises ModelUnavailable at the deadline, and when the connection fails."""
    try:
        async with asyncio.timeout_at(until):
            return await doing
    except TimeoutError:
        raise ModelUnavailable("the model server gave no answer within the deadline") from None
    except httpx.TransportError as problem:
        raise ModelUnavailable(f"the model server cannot be reached ({type(problem).__name__})") from problem


@contextmanager
def _readable() -> Iterator[None]:
    """Raises ModelUnavailable where what came is not of OpenAI's shape."""
    try:
        yield
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise ModelUnavailable("the model server gave an answer that cannot be read") from None


async def _body(answer: httpx.Response, until: float) -> bytes:
    """All of an answer that is not too long. Raises ModelUnavailable."""
    kept = bytearray()
    blocks = answer.aiter_bytes()
    while (block := await _within(until, anext(blocks, None))) is not None:
        kept += block
        if len(kept) > MOST_BYTES:
            raise ModelUnavailable("the model server gave an answer that is too long")
    return bytes(kept)


async def _lines(answer: httpx.Response, until: float) -> AsyncIterator[bytes]:
    """The lines of an answer as they come. Raises ModelUnavailable for one that is too long."""
    rest = b""
    blocks = answer.aiter_bytes()
    while (block := await _within(until, anext(blocks, None))) is not None:
        *lines, rest = (rest + block).split(b"\n")
        if len(rest) > MOST_BYTES:
            raise ModelUnavailable("the model server gave a line that is too long")
        for line in lines:
            yield line.rstrip(b"\r")


async def _chunks(answer: httpx.Response, until: float) -> AsyncIterator[dict[str, Any]]:
    """The events of a stream up to `[DONE]`. Raises what an error among them means, and ModelUnavailable without an end."""
    async for line in _lines(answer, until):
        if not line.startswith(_DATA):
            continue
        data = line.removeprefix(_DATA)
        if data == b"[DONE]":
            return
        with _readable():
            chunk: dict[str, Any] = json.loads(data)
            late = chunk.get("error")
        if late:
            invalid = isinstance(late, dict) and late.get("type") == "invalid_response_error"
            raise failure(422 if invalid else 500, late if isinstance(late, dict) else {})
        yield chunk
    raise ModelUnavailable("the model server ended its answer early")
