"""The appliance's side of the model server: typed answers or a typed error, always within a deadline."""

import asyncio
import base64
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import numpy as np
from numpy.typing import NDArray

from models.errors import ModelBusy, ModelRefused, ModelUnavailable
from models.replies import raise_for
from models.values import Reading, Span

__all__ = ["ModelBusy", "ModelClient", "ModelRefused", "ModelUnavailable"]

PEOPLE_SECONDS = 5.0
BULK_SECONDS = 120.0
BATCH = 128
"""Texts a request carries at most; more are sent one request after another."""


class ModelClient:
    """Keeps connections open between calls; close it, or use it as an async context.

    Every method raises ModelUnavailable within its deadline when the server is down, is killed meanwhile or is too busy,
    and ModelRefused when the request itself is at fault. The next call after a restart works again.
    """

    def __init__(self, socket: Path, *, seconds: float = PEOPLE_SECONDS, bulk_seconds: float = BULK_SECONDS) -> None:
        self._socket, self._seconds, self._bulk_seconds = socket, seconds, bulk_seconds
        self._http = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(socket), limits=httpx.Limits(max_keepalive_connections=4)),
            base_url="http://models",
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def embed(self, texts: Sequence[str], bulk: bool = False) -> NDArray[np.float32]:
        """`(n, 384)` float32 with L2 norm 1. `bulk` work lets people's questions go first and may take longer."""
        parts: list[NDArray[np.float32]] = []
        for start in range(0, len(texts), BATCH):
            body = {"input": list(texts[start : start + BATCH]), "encoding_format": "base64"}
            answer = await self._post("/v1/embeddings", body, bulk=bulk)
            rows = sorted(answer["data"], key=lambda row: row["index"])
            parts.append(np.stack([np.frombuffer(base64.b64decode(row["embedding"]), "<f4") for row in rows]))
        return np.concatenate(parts) if parts else np.zeros((0, 384), np.float32)

    async def rerank(self, query: str, documents: Sequence[str]) -> list[float]:
        """One score a document, in their order; higher is closer to the query."""
        if not documents:
            return []
        answer = await self._post("/v1/rerank", {"query": query, "documents": list(documents)})
        scores = {row["index"]: float(row["relevance_score"]) for row in answer["results"]}
        return [scores[index] for index in range(len(documents))]

    async def read(self, question: str, passages: Sequence[str]) -> list[Reading]:
        """One reading a passage, in their order; spans count characters of the passage as it was given."""
        if not passages:
            return []
        answer = await self._post("/v1/read", {"question": question, "passages": list(passages)})
        rows = sorted(answer["results"], key=lambda row: row["index"])
        return [Reading(row["answerable"], tuple(Span(**span) for span in row["spans"])) for row in rows]

    async def classify(self, texts: Sequence[str], bulk: bool = False) -> list[float]:
        """The chance of each text that it gives orders to a language model, 0 to 1, in their order; `bulk` as for `embed`."""
        chances: list[float] = []
        for start in range(0, len(texts), BATCH):
            answer = await self._post("/classify", {"input": list(texts[start : start + BATCH])}, bulk=bulk)
            rows = sorted(answer["data"], key=lambda row: row["index"])
            chances += [float(row["probs"][1]) for row in rows]
        return chances

    async def health(self) -> dict[str, Any]:
        """What the server says of itself: `status`, `kinds`, `waiting`."""
        return await self._send("GET", "/health", None, {}, self._seconds)

    async def _post(self, path: str, body: dict[str, Any], *, bulk: bool = False) -> dict[str, Any]:
        headers = {"x-priority": "bulk"} if bulk else {}
        return await self._send("POST", path, body, headers, self._bulk_seconds if bulk else self._seconds)

    async def _send(
        self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str], seconds: float
    ) -> dict[str, Any]:
        try:
            # httpx limits each read and write; the deadline is for the whole exchange.
            async with asyncio.timeout(seconds):
                answer = await self._exchange(method, path, body, headers)
        except TimeoutError:
            raise ModelUnavailable(f"the model server gave no answer within {seconds:g} s") from None
        except httpx.TransportError as problem:
            raise ModelUnavailable(f"the model server cannot be reached ({type(problem).__name__})") from problem
        raise_for(answer.status_code, answer.headers, answer.content)
        value: dict[str, Any] = answer.json()
        return value

    async def _exchange(
        self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]
    ) -> httpx.Response:
        try:
            return await self._http.request(method, path, json=body, headers=headers, timeout=None)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            # A connection kept from before a restart is found dead only when used. Reading changes nothing, so ask anew.
            return await self._http.request(method, path, json=body, headers=headers, timeout=None)
