"""The model server as one small ASGI application: no framework, since every megabyte here is taken from the models.

POST /v1/embeddings   POST /v1/rerank   POST /v1/read   GET /v1/models   GET /health   GET /metrics
X-Priority: bulk      lets people's requests go first
"""

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from pydantic import BaseModel, ValidationError

from models import schemas as s
from models.engines.embedder import Embedder
from models.engines.onnx import Sliced
from models.engines.reader import Reader
from models.lanes import LANES, Lane, LaneFull, Lanes
from models.values import Reading

MOST_BYTES = 4 * 1024 * 1024
RETRY_SECONDS = 1
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Body = TypeVar("Body", bound=s.Request)
T = TypeVar("T")


class Refused(Exception):
    """The request is answered with OpenAI's error shape."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.param = status, code, message, param


class Gone(Exception):
    """The client hung up."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its body, its lane, and how to learn that the client hung up."""

    body: bytes
    lane: Lane
    receive: Receive


@dataclass(frozen=True, slots=True)
class Answer:
    body: bytes
    status: int = 200
    kind: bytes = b"application/json"
    retry: bool = False


class Figures:
    """What `/metrics` shows."""

    def __init__(self, lanes: Lanes) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("models_requests", "Requests answered", ["path", "status"], registry=self.registry)
        self.seconds = Histogram(
            "models_request_seconds",
            "Seconds until the answer",
            ["path", "lane"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.texts = Counter("models_texts", "Texts read by a model", ["path"], registry=self.registry)
        depth = Gauge("models_queue_depth", "Requests waiting or under way", ["lane"], registry=self.registry)
        for lane in LANES:
            depth.labels(lane).set_function(lambda lane=lane: lanes.depth(lane))  # type: ignore[misc]


class ModelApp:
    """`embedder` serves embeddings and, with `rerank`, reranking; `reader` serves reading. None: that kind is absent."""

    def __init__(
        self, lanes: Lanes, *, embedder: Embedder | None, reader: Reader | None, kinds: tuple[str, ...]
    ) -> None:
        self._lanes, self._embedder, self._reader, self._kinds = lanes, embedder, reader, kinds
        self._figures = Figures(lanes)
        self._posts: Mapping[str, Callable[[Call], Awaitable[BaseModel]]] = {
            path: handler
            for kind, path, handler in (
                ("embed", "/v1/embeddings", self._embeddings),
                ("rerank", "/v1/rerank", self._rerank),
                ("read", "/v1/read", self._read),
            )
            if kind in kinds
        }
        self._gets: Mapping[str, Callable[[], Answer]] = {
            "/health": self._health,
            "/metrics": self._metrics,
            "/v1/models": self._models,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        began, path = time.perf_counter(), scope["path"]
        bulk = any(name == b"x-priority" and value.lower() == b"bulk" for name, value in scope["headers"])
        lane: Lane = "bulk" if bulk else "urgent"
        try:
            answer = await self._answer(scope["method"], path, lane, scope, receive)
        except Gone:
            return
        known = path if path in self._posts or path in self._gets else "other"
        self._figures.requests.labels(known, str(answer.status)).inc()
        if path in self._posts:
            self._figures.seconds.labels(known, lane).observe(time.perf_counter() - began)
        headers = [(b"content-type", answer.kind), (b"content-length", str(len(answer.body)).encode())]
        if answer.retry:
            headers.append((b"retry-after", str(RETRY_SECONDS).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, method: str, path: str, lane: Lane, scope: Scope, receive: Receive) -> Answer:
        try:
            if path in self._gets and method == "GET":
                return self._gets[path]()
            if path in self._posts and method == "POST":
                call = Call(await _body(scope, receive), lane, receive)
                done = await self._posts[path](call)
                return Answer(done.model_dump_json(exclude_none=True).encode())
            if path in self._gets or path in self._posts:
                raise Refused(405, "method_not_allowed", f"{path} does not take {method}.")
            raise Refused(404, "not_found", f"There is no {path} on this server.")
        except Refused as refused:
            kind = "rate_limit_error" if refused.status == 429 else "invalid_request_error"
            return _error(refused.status, refused.code, refused.message, kind, refused.param)
        except Gone:
            raise
        except Exception as problem:  # the server outlives any request; the class name is all a client may know
            return _error(500, "inference_failed", f"The model failed: {type(problem).__name__}.", "server_error")

    async def _embeddings(self, call: Call) -> BaseModel:
        assert self._embedder is not None
        embedder, asked = self._embedder, _parse(s.EmbeddingRequest, call.body, self._embedder.name)

        def begin() -> Sliced[tuple[NDArray[np.float32], int]]:
            vectors = yield from embedder.embed(asked.texts)
            return vectors, embedder.count(asked.texts)

        vectors, tokens = await self._run(call, "/v1/embeddings", len(asked.texts), begin)
        packed = asked.encoding_format == "base64"
        rows = [
            s.EmbeddingRow(
                index=index,
                embedding=base64.b64encode(v.astype("<f4").tobytes()).decode() if packed else v.tolist(),
            )
            for index, v in enumerate(vectors)
        ]
        return s.EmbeddingResponse(
            model=embedder.name, data=rows, usage=s.Usage(prompt_tokens=tokens, total_tokens=tokens)
        )

    async def _rerank(self, call: Call) -> BaseModel:
        assert self._embedder is not None
        embedder, asked = self._embedder, _parse(s.RerankRequest, call.body, self._embedder.name)
        scores = await self._run(
            call, "/v1/rerank", len(asked.documents), lambda: embedder.rerank(asked.query, asked.documents)
        )
        order = sorted(range(len(scores)), key=lambda index: -scores[index])[: asked.top_n]
        rows = [
            s.RerankRow(
                index=index,
                relevance_score=scores[index],
                document={"text": asked.documents[index]} if asked.return_documents else None,
            )
            for index in order
        ]
        return s.RerankResponse(model=embedder.name, results=rows)

    async def _read(self, call: Call) -> BaseModel:
        assert self._reader is not None
        reader, asked = self._reader, _parse(s.ReadRequest, call.body, self._reader.name)
        readings: list[Reading] = await self._run(
            call, "/v1/read", len(asked.passages), lambda: reader.read(asked.question, asked.passages)
        )
        rows = [
            s.ReadRow(
                index=index,
                answerable=reading.answerable,
                spans=[s.ReadSpan(start=x.start, end=x.end, text=x.text, score=x.score) for x in reading.spans],
            )
            for index, reading in enumerate(readings)
        ]
        return s.ReadResponse(model=reader.name, results=rows)

    async def _run(self, call: Call, path: str, texts: int, begin: Callable[[], Sliced[T]]) -> T:
        """Run on the inference thread, and give up when the client does. Raises Refused (429) and Gone."""
        work = asyncio.ensure_future(self._lanes.run(begin, lane=call.lane))
        left = asyncio.ensure_future(_hung_up(call.receive))
        try:
            await asyncio.wait({work, left}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise Gone
            self._figures.texts.labels(path).inc(texts)
            return work.result()
        except LaneFull:
            raise Refused(429, "busy", "Too many requests are waiting; try again in a moment.") from None
        finally:
            work.cancel()
            left.cancel()

    def _health(self) -> Answer:
        waiting = {lane: self._lanes.depth(lane) for lane in LANES}
        return _json({"status": "ok", "kinds": list(self._kinds), "waiting": waiting})

    def _metrics(self) -> Answer:
        return Answer(generate_latest(self._figures.registry), kind=b"text/plain; version=0.0.4; charset=utf-8")

    def _models(self) -> Answer:
        held = [engine.name for engine in (self._embedder, self._reader) if engine]
        rows = [{"id": name, "object": "model", "created": 0, "owned_by": "outpost"} for name in held]
        return _json({"object": "list", "data": rows})


async def _body(scope: Scope, receive: Receive) -> bytes:
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


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _parse(kind: type[Body], body: bytes, held: str) -> Body:
    try:
        asked = kind.model_validate_json(body)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        param = ".".join(str(part) for part in first["loc"]) or None
        raise Refused(400, "invalid_value", f"{param or 'body'}: {first['msg']}", param) from None
    if asked.model not in (None, held):
        raise Refused(404, "model_not_found", f"This server holds {held}.", "model")
    return asked


def _json(value: object) -> Answer:
    return Answer(json.dumps(value).encode())


def _error(status: int, code: str, message: str, kind: str, param: str | None = None) -> Answer:
    detail = s.ErrorDetail(message=message, type=kind, param=param, code=code)
    return Answer(s.ErrorResponse(error=detail).model_dump_json().encode(), status, retry=status == 429)
