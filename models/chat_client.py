"""The appliance's side of a chat server: ours by its socket, anybody's in OpenAI's shape by its address."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from models.errors import ModelUnavailable
from models.replies import failure, raise_for

SECONDS = 120.0

_DATA = "data: "
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

    def __init__(self, server: Path | str, *, seconds: float = SECONDS) -> None:
        """`server` is a socket's path, or an address such as `http://127.0.0.1:8000`."""
        self._seconds = seconds
        uds = str(server) if isinstance(server, Path) else None
        self._http = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=uds),
            base_url="http://models" if isinstance(server, Path) else server,
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

    async def models(self) -> list[str]:
        """The names of the models that the server holds."""
        answer = await self._send(self._http.build_request("GET", "/v1/models"), self._until(None))
        raise_for(answer.status_code, answer.headers, answer.content)
        return [row["id"] for row in answer.json()["data"]]

    async def chat(self, messages: Messages, ask: Ask = Ask(), *, seconds: float | None = None) -> ChatAnswer:
        """The whole answer."""
        answer = await self._send(self._request(ask, ask.body(messages)), self._until(seconds))
        raise_for(answer.status_code, answer.headers, answer.content)
        value = answer.json()
        choice, usage = value["choices"][0], value["usage"]
        return ChatAnswer(
            choice["message"]["content"],
            choice["finish_reason"],
            usage["prompt_tokens"],
            usage["completion_tokens"],
            (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0),
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
                raise_for(answer.status_code, answer.headers, await _within(until, answer.aread()))
            reason: str | None = None
            mean: float | None = None
            usage: dict[str, int] = {}
            async for chunk in _chunks(answer, until):
                usage = chunk.get("usage") or usage
                for choice in chunk["choices"]:
                    reason = choice.get("finish_reason") or reason
                    mean = choice.get("mean_logprob", mean)
                    if text := choice["delta"].get("content"):
                        yield ChatDelta(text)
            counts = (usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0))
            yield ChatDelta("", reason or "stop", *counts, mean_logprob=mean)
        finally:
            await answer.aclose()

    def _request(self, ask: Ask, body: Mapping[str, Any]) -> httpx.Request:
        headers = {"x-fairness-key": ask.key} if ask.key else {}
        return self._http.build_request("POST", "/v1/chat/completions", json=body, headers=headers)

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


async def _chunks(answer: httpx.Response, until: float) -> AsyncIterator[dict[str, Any]]:
    """The events of a stream up to `[DONE]`. Raises what an error among them means, and ModelUnavailable without an end."""
    lines = answer.aiter_lines()
    while True:
        line = await _within(until, anext(lines, None))
        if line is None:
            raise ModelUnavailable("the model server ended its answer early")
        if not line.startswith(_DATA):
            continue
        data = line.removeprefix(_DATA)
        if data == "[DONE]":
            return
        chunk: dict[str, Any] = json.loads(data)
        if "error" in chunk:
            late = chunk["error"]
            raise failure(422 if late.get("type") == "invalid_response_error" else 500, late)
        yield chunk
