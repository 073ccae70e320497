"""What the models said, kept between runs, so that a change of a feature is tried in a minute."""

from __future__ import annotations

import hashlib
import json
import pickle
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.client import ModelClient
from models.convert import EMBED, READ
from models.values import Reading

T = TypeVar("T")

PACKAGES = {"embed": EMBED, "rerank": EMBED, "read": READ}
"""The package that each kind of answer comes from."""


class Remembering:
    """The models' port over a client, with a file of earlier answers. `models` is the folder of the packages that give
    them: what another package said is not used.
    """

    def __init__(self, client: ModelClient, path: Path, models: Path) -> None:
        self._client = client
        self._editions = {kind: (models / name / "manifest.json").read_text() for kind, name in PACKAGES.items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(path, isolation_level=None)
        self._file.execute("CREATE TABLE IF NOT EXISTS said (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID")
        self._file.execute("PRAGMA synchronous=OFF")

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        found = [self._known("embed", text) for text in texts]
        new = [text for text, vector in zip(texts, found, strict=True) if vector is None]
        if new:
            vectors = iter(await self._client.embed(new))
            for at, text in enumerate(texts):
                if found[at] is None:
                    found[at] = self._keep(next(vectors), "embed", text)
        return np.stack(found)

    async def rerank(self, query: str, documents: Sequence[str]) -> list[float]:
        scores: list[float] | None = self._known("rerank", query, *documents)
        if scores is None:
            scores = self._keep(await self._client.rerank(query, documents), "rerank", query, *documents)
        return scores

    async def read(self, question: str, passages: Sequence[str]) -> list[Reading]:
        readings: list[Reading] = []
        for passage in passages:
            reading: Reading | None = self._known("read", question, passage)
            if reading is None:
                reading = self._keep((await self._client.read(question, [passage]))[0], "read", question, passage)
            readings.append(reading)
        return readings

    def _known(self, *key: str) -> Any:
        row = self._file.execute("SELECT value FROM said WHERE key = ?", (self._key(key),)).fetchone()
        return None if row is None else pickle.loads(row[0])  # noqa: S301  our own file

    def _keep(self, value: T, *key: str) -> T:
        self._file.execute("INSERT OR REPLACE INTO said VALUES (?, ?)", (self._key(key), pickle.dumps(value)))
        return value

    def _key(self, key: Sequence[str]) -> bytes:
        return hashlib.sha256(json.dumps([self._editions[key[0]], *key]).encode()).digest()
