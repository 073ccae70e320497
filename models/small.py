"""The body of the process that serves the small models: packages, engines and lanes."""

import asyncio
from pathlib import Path

from models.app import ModelApp
from models.engines.classifier import Classifier
from models.engines.embedder import Embedder
from models.engines.onnx import Session
from models.engines.reader import Reader
from models.lanes import Lanes
from models.memory import Quiet, give_back
from models.package import open_package
from models.serving import serve

EMBED, READ, INJECTION = "minilm-embed", "minilm-read", "minilm-injection"


def load(
    models: Path, kinds: tuple[str, ...], threads: int
) -> tuple[Embedder | None, Reader | None, Classifier | None]:
    """Open the packages that the kinds need. Raises PackageDamaged."""
    embedding = {"embed", "rerank"} & set(kinds)
    embed = Session(open_package(models / EMBED), threads=threads) if embedding else None
    read = Session(open_package(models / READ), threads=threads, beside=embed) if "read" in kinds else None
    judge = Session(open_package(models / INJECTION), threads=threads, beside=embed) if "classify" in kinds else None
    give_back()
    return Embedder(embed) if embed else None, Reader(read) if read else None, Classifier(judge) if judge else None


async def serve_small(models: Path, kinds: tuple[str, ...], threads: int, socket: Path) -> None:
    """Serve until SIGTERM or SIGINT; the work under way is dropped then. Raises PackageDamaged."""
    embedder, reader, classifier = load(models, kinds, threads)
    lanes = Lanes(when_idle=Quiet(asyncio.get_running_loop()).worked)
    app = ModelApp(lanes, embedder=embedder, reader=reader, classifier=classifier, kinds=kinds)
    try:
        await serve(app, kinds, socket)
    finally:
        lanes.close()
