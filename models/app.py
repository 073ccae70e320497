"""The model server as one small ASGI application: no framework, since every megabyte here is taken from the models.

POST /v1/embeddings   POST /v1/rerank   POST /v1/read   POST /classify   GET /v1/models   GET /health   GET /metrics
X-Priority: bulk      lets people's requests go first
"""

import asyncio
import base64
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from pydantic import BaseModel

from models import schemas as s
from models.asgi import (
    METRICS_KIND,
    Answer,
    Call,
    Get,
    Gone,
    Post,
    Receive,
    Refused,
    Routes,
    Scope,
    Send,
    as_json,
    hung_up,
    parse,
)
from models.engines.classifier import LABELS, Classifier
from models.engines.embedder import Embedder
from models.engines.onnx import Sliced
from models.engines.reader import Reader
from models.lanes import LANES, Lane, LaneFull, Lanes
from models.values import Reading

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

T = TypeVar("T")


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
    """`embedder` serves embeddings and, with `rerank`, reranking; `reader` reading, `classifier` classifying. None: that
    kind is absent.
    """

    def __init__(
        self,
        lanes: Lanes,
        *,
        embedder: Embedder | None,
        reader: Reader | None,
        classifier: Classifier | None,
        kinds: tuple[str, ...],
    ) -> None:
        self._lanes, self._embedder, self._reader, self._classifier = lanes, embedder, reader, classifier
        self._kinds = kinds
        self._figures = Figures(lanes)
        posts: dict[str, Post] = {
            path: self._timed(handler)
            for kind, path, handler in (
                ("embed", "/v1/embeddings", self._embeddings),
                ("rerank", "/v1/rerank", self._rerank),
                ("read", "/v1/read", self._read),
                ("classify", "/classify", self._classify),
            )
            if kind in kinds
        }
        gets: dict[str, Get] = {"/health": self._health, "/metrics": self._metrics, "/v1/models": self._models}
        self._routes = Routes(gets, posts, lambda path, status: self._figures.requests.labels(path, str(status)).inc())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._routes(scope, receive, send)

    def _timed(self, handler: Callable[[Call], Awaitable[BaseModel]]) -> Post:
        async def answer(call: Call) -> Answer:
            began = time.perf_counter()
            try:
                return Answer((await handler(call)).model_dump_json(exclude_none=True).encode())
            finally:
                self._figures.seconds.labels(call.scope["path"], _lane(call)).observe(time.perf_counter() - began)

        return answer

    async def _embeddings(self, call: Call) -> BaseModel:
        assert self._embedder is not None
        embedder, asked = self._embedder, parse(s.EmbeddingRequest, await call.body(), self._embedder.name)

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
        embedder, asked = self._embedder, parse(s.RerankRequest, await call.body(), self._embedder.name)
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
        reader, asked = self._reader, parse(s.ReadRequest, await call.body(), self._reader.name)
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

    async def _classify(self, call: Call) -> BaseModel:
        assert self._classifier is not None
        classifier, asked = self._classifier, parse(s.ClassifyRequest, await call.body(), self._classifier.name)
        chances = await self._run(call, "/classify", len(asked.texts), lambda: classifier.classify(asked.texts))
        rows = [
            s.ClassifyRow(index=index, label=LABELS[chance >= 0.5], probs=[1 - chance, chance], num_classes=len(LABELS))
            for index, chance in enumerate(chances)
        ]
        tokens = classifier.count(asked.texts)
        return s.ClassifyResponse(
            id=f"classify-{uuid.uuid4().hex}",
            created=int(time.time()),
            model=classifier.name,
            data=rows,
            usage=s.Usage(prompt_tokens=tokens, total_tokens=tokens),
        )

    async def _run(self, call: Call, path: str, texts: int, begin: Callable[[], Sliced[T]]) -> T:
        """Run on the inference thread, and give up when the client does. Raises Refused (429) and Gone."""
        work = asyncio.ensure_future(self._lanes.run(begin, lane=_lane(call)))
        left = asyncio.ensure_future(hung_up(call.receive))
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
        return as_json({"status": "ok", "kinds": list(self._kinds), "waiting": waiting})

    def _metrics(self) -> Answer:
        return Answer(generate_latest(self._figures.registry), kind=METRICS_KIND)

    def _models(self) -> Answer:
        held = [engine.name for engine in (self._embedder, self._reader, self._classifier) if engine]
        rows = [{"id": name, "object": "model", "created": 0, "owned_by": "outpost"} for name in held]
        return as_json({"object": "list", "data": rows})


def _lane(call: Call) -> Lane:
    return "bulk" if call.header(b"x-priority").lower() == b"bulk" else "urgent"
