"""The demo plant as it is read in, a real model server, and answers over the encrypted store."""

from __future__ import annotations

import io
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.documents.chunking import chunk, embedded_text
from appliance.documents.parsing.dispatch import Bounds, parse
from appliance.documents.tokens import estimated_tokens
from appliance.documents.values import DocumentFacts, Passage
from appliance.store import Admitted, Store
from models.client import ModelClient
from tests.models.conftest import ServerProcess
from tests.retrieval.conftest import Asker
from tests.retrieval.library import Library, facts

BIRCH = Path(__file__).parents[2] / "demo" / "plant" / "birch"


@dataclass(frozen=True)
class Read:
    """One document of the plant with its passages."""

    facts: DocumentFacts
    passages: tuple[Passage, ...]


@pytest.fixture(scope="session")
def birch() -> list[Read]:
    documents = []
    for item in json.loads((BIRCH / "manifest.json").read_text(encoding="utf-8"))["files"]:
        about = item["metadata"]
        parsed = parse(io.BytesIO((BIRCH / item["path"]).read_bytes()), item["path"], Bounds())
        known = facts(
            item["path"],
            title=about.get("title", ""),
            revision=about.get("revision"),
            doc_type=about.get("doc_type"),
            assets=about.get("assets", ()),
        )
        documents.append(Read(known, tuple(chunk(parsed.blocks, estimated_tokens))))
    return documents


@pytest.fixture(scope="session")
def model_server() -> Iterator[ServerProcess]:
    folder = Path(tempfile.mkdtemp(prefix="op-"))
    running = ServerProcess(folder, "--models", str(Path(sys.prefix) / "share" / "outpost" / "models"))
    assert "serving" in running.start()
    yield running
    running.end()
    shutil.rmtree(folder)


@pytest.fixture
async def models(model_server: ServerProcess) -> AsyncIterator[ModelClient]:
    async with ModelClient(model_server.socket, seconds=30) as connected:
        yield connected


@pytest.fixture
async def no_models(tmp_path: Path) -> AsyncIterator[ModelClient]:
    """The real client, and nobody who listens."""
    async with ModelClient(tmp_path / "nobody.sock") as connected:
        yield connected


@pytest.fixture
def asker(admitted: Asker) -> Asker:
    def make(**about: object) -> Admitted:
        return admitted(action="chat.ask", **about)

    return make


@pytest.fixture
def library(node_store: Store, asker: Asker) -> Library:
    return Library(node_store, asker)


@pytest.fixture
async def plant(library: Library, birch: list[Read]) -> Library:
    """The plant's documents, with words alone."""
    for document in birch:
        await library.put(document.facts, *document.passages)
    return library


@pytest.fixture
async def embedded_plant(library: Library, birch: list[Read], models: ModelClient) -> Library:
    """The same with the vectors of the real embedder."""
    for document in birch:
        texts = [embedded_text(passage) for passage in document.passages]
        await library.put(document.facts, *document.passages, vectors=await models.embed(texts, bulk=True))
    return library
