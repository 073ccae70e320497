"""`python -m demo.tune collect | fit`: gather what could be quoted for the tuning questions, and fit the weights to it.

collect  asks every tuning question of libraries filled for it; writes var/tune/<variant>-<source>.json
fit      fits both variants to what was collected, prints cross-validated figures; with --write, ships the weights
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from appliance.answers import Answers
from appliance.answers import rules as answer_rules
from appliance.logs import configure
from appliance.policy import PolicyEngine
from appliance.retrieval.engines import SqliteEngine
from appliance.retrieval.service import Search
from appliance.store import Store, open_store
from demo.tune import fitting
from demo.tune.collect import Collected, collect
from demo.tune.library import Library
from demo.tune.questions import Asked, articles, demo, plants
from demo.tune.remembering import Remembering
from models.client import ModelClient

KEPT = Path("var/tune")
MODELS = Path(sys.prefix) / "share" / "outpost" / "models"
WEIGHTS = Path(answer_rules.__file__).with_name("weights.json")
SECONDS = 120.0


@asynccontextmanager
async def model_server(models: Path, socket: Path) -> AsyncIterator[ModelClient]:
    """A model server of our own, and a client that waits for it."""
    command = ["-m", "models.server", "--kinds", "embed,rerank,read", "--socket", str(socket), "--models", str(models)]
    process = await asyncio.create_subprocess_exec(sys.executable, *command)
    try:
        while not socket.exists():
            if process.returncode is not None:
                raise SystemExit("The model server did not start; is the set-up complete?")
            await asyncio.sleep(0.1)
        client = ModelClient(socket, seconds=SECONDS)
        yield client
        await client.close()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def gather(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="outpost-tune-") as folder:
        async with model_server(options.models, Path(folder) / "m.sock") as client:
            said = Remembering(client, KEPT / "said.db", options.models)
            for source in options.sources.split(","):
                store = await open_store(Path(folder) / source)
                await store.migrate()
                library = Library(store, client, options.models)
                match source:
                    case "demo":
                        asked = await demo(library)
                    case "articles":
                        asked = await articles(library, options.data)
                    case "plants":
                        asked = await plants(library)
                    case _:
                        raise SystemExit(f"There is no source {source}.")
                await write(store, said, "full", source, asked)
                await write(store, ModelClient(Path(folder) / "nobody.sock"), "words", source, asked)
                await store.close()


async def write(store: Store, reader: Remembering | ModelClient, variant: str, source: str, asked: list[Asked]) -> None:
    search = Search(store, SqliteEngine(), PolicyEngine(), reader)
    found: list[Collected] = []
    async for one in collect(store, search, Answers(search, reader), asked):
        found.append(one)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{variant} {source}: {len(found)}")
    KEPT.mkdir(parents=True, exist_ok=True)
    path = KEPT / f"{variant}-{source}.json"
    path.write_text(json.dumps([asdict(one) for one in found]), encoding="utf-8")
    print(f"{path}: {len(found)} questions and twins", flush=True)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m demo.tune", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True)
    gathering = verbs.add_parser("collect", help="ask every tuning question; some 25 minutes the first time")
    gathering.add_argument("--data", type=Path, default=Path("../shared/data"), help="the folder that holds squad11")
    gathering.add_argument("--sources", default="demo,articles,plants")
    gathering.add_argument("--models", type=Path, default=MODELS)
    fit = verbs.add_parser("fit", help="fit the weights to what was collected")
    fit.add_argument("--write", action="store_true", help="put the weights where the next release reads them")
    fit.add_argument("--failures", action="store_true", help="print the questions that would go wrong")
    return top


def main() -> int:
    options = parser().parse_args()
    configure("ERROR", "tune")
    if options.verb == "collect":
        asyncio.run(gather(options))
        return 0
    weights = fitting.fit_all(KEPT, json.loads(WEIGHTS.read_text(encoding="utf-8")), failures=options.failures)
    if options.write:
        WEIGHTS.write_text(fitting.as_text(weights), encoding="utf-8")
        print(f"written to {WEIGHTS.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
