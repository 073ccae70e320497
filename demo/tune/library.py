"""A store with documents to ask, filled without a node: parsed, chunked, embedded and indexed as ingest does it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from appliance.documents.blocks import ParsedFile
from appliance.documents.chunking import chunk, embedded_text
from appliance.documents.parsing.dispatch import Bounds, parse
from appliance.documents.ports import CountTokens
from appliance.documents.values import DocumentFacts, Passage
from appliance.retrieval.engines import SqliteEngine
from appliance.retrieval.index import PassageIndex
from appliance.store import Purpose, Store, Tenant, new_id
from models.client import ModelClient

LEVELS = {"PUBLIC": 1, "INTERNAL": 2, "CONFIDENTIAL": 3, "RESTRICTED": 4}


def token_counter(models: Path) -> CountTokens:
    """Counts tokens as the embedder of `models`, the folder of the installed models, does."""
    tokenizer = Tokenizer.from_file(str(models / "minilm-embed" / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def parsed_file(folder: Path, name: str) -> ParsedFile:
    with (folder / name).open("rb") as file:
        return parse(file, name, Bounds())


class Library:
    """Documents of several tenants. `models` is the folder of the installed models, for their tokenizer."""

    def __init__(self, store: Store, client: ModelClient, models: Path) -> None:
        self._store = store
        self._client = client
        self._index = PassageIndex(SqliteEngine())
        self._tokens = token_counter(models)

    async def tenant(self, slug: str) -> Tenant:
        return await self._store.create_tenant(slug, slug)

    async def put(self, tenant: Tenant, facts: DocumentFacts, passages: Sequence[Passage]) -> None:
        vectors = await self._client.embed([embedded_text(passage) for passage in passages], bulk=True)
        async with self._store.open_internal(Purpose.SEED, tenant.id, write=True) as session:
            await self._index.replace(session, facts, passages, vectors)

    async def put_plant(self, folder: Path) -> Tenant:
        """Every file of one demo tenant's folder, as its manifest describes it."""
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        tenant = await self.tenant(manifest["tenant"]["slug"])
        replaced = {item["metadata"].get("supersedes") for item in manifest["files"]}
        for item in manifest["files"]:
            parsed = parsed_file(folder, item["path"])
            known = item["metadata"]
            facts = DocumentFacts(
                new_id(),
                item["path"],
                known.get("revision"),
                known.get("doc_type"),
                LEVELS[item["classification"]],
                tuple(item["tags"]),
                (),
                tuple(known.get("assets", ())),
                item["path"] not in replaced,
                known.get("title") or parsed.title or Path(item["path"]).stem,
            )
            await self.put(tenant, facts, chunk(parsed.blocks, self._tokens))
        return tenant
