"""`outpost ingest`: puts files into the library of a running node, over HTTP like everybody else.

A manifest says more of each file; `path` is relative to the manifest's folder:

    {"files": [{"path": "a.pdf", "classification": "INTERNAL", "metadata": {"revision": "3"}, "tags": ["pump"]}]}
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from appliance.documents.errors import InvalidDocument
from appliance.documents.parsing.filetypes import by_name
from appliance.errors import Unavailable

LOOK_SECONDS = 0.5
LOOK_MOST_SECONDS = 3.0
PAGE = 100
AT_ONCE = 2
TENANT = "x-outpost-tenant"
OPEN = frozenset({"pending", "processing"})


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that did not become a readable document, and why."""

    path: str
    reason: str


@dataclass(slots=True)
class IngestSummary:
    """What became of the files. `failed` counts refused uploads and documents that could not be read."""

    uploaded: int = 0
    ready: int = 0
    failed: int = 0
    skipped: int = 0
    documents: dict[str, str] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        return 1 if self.failed else 0


@dataclass(frozen=True, slots=True)
class Item:
    """One file to upload: where it is, what it is called, what is said of it."""

    path: Path
    name: str
    classification: str
    metadata: Mapping[str, Any]
    tags: tuple[str, ...] = ()


async def ingest(
    client: httpx.AsyncClient,
    paths: Sequence[Path],
    *,
    tenant: str | None,
    classification: str,
    wait: bool,
    manifest: Path | None,
    console: Console,
) -> IngestSummary:
    """Upload every readable file below `paths`; with `wait`, stay until each is ready or failed.

    Args:
        client: bound to the node.
        tenant: its short name; the client's own if None.
        manifest: what to say of particular files; without `paths`, its files are what is uploaded.
    """
    summary = IngestSummary()
    headers = {TENANT: tenant} if tenant else {}
    items, skipped = collected(paths, classification=classification, manifest=manifest)
    for path, reason in skipped.items():
        console.print(f"skipped   {path} ({reason})", markup=False)
    summary.skipped = len(skipped)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    # Where nobody watches, a bar would leave nothing behind but an empty line.
    with Progress(*columns, console=console, transient=True, disable=not console.is_interactive) as progress:
        sending = progress.add_task("uploading", total=len(items))
        waiting = await _upload_all(client, items, headers, summary, progress, sending)
        if wait:
            reading = progress.add_task("reading in", total=len(items), completed=len(items) - len(waiting))
            await _settle(client, waiting, headers, summary, progress, reading)
    for failure in summary.failures:
        console.print(f"failed    {failure.path}: {failure.reason}", markup=False)
    if wait:
        text = f"{summary.ready} ready, {summary.failed} failed, {summary.skipped} skipped"
    else:
        text = f"{summary.uploaded} accepted, {summary.failed} refused, {summary.skipped} skipped"
    console.print(text, markup=False)
    return summary


def collected(
    paths: Sequence[Path], *, classification: str, manifest: Path | None
) -> tuple[list[Item], dict[Path, str]]:
    """What to upload, in order, and what is left out, with the reason.

    A link below a named folder is followed within it, and not out of it: nobody asked for what lies elsewhere.

    Raises:
        InvalidDocument: the manifest cannot be used.
    """
    told = _manifest(manifest) if manifest else {}
    items: list[Item] = []
    skipped: dict[Path, str] = {}
    files = [(named, *found) for named in paths for found in _files(named)]
    if manifest and not paths:
        files = [(path, path, _relative(path, manifest.parent)) for path in told]
    for named, path, name in files:
        entry = told.get(path.resolve(), {})
        if manifest and path.resolve() == manifest.resolve():
            continue
        if by_name(name).kind is None:
            skipped[path] = "not a kind of file that is read"
            continue
        if not path.resolve().is_relative_to(named.resolve()):
            skipped[path] = "a link that leads out of the folder"
            continue
        items.append(
            Item(
                path,
                name,
                str(entry.get("classification") or classification),
                entry.get("metadata") or {},
                tuple(map(str, entry.get("tags") or ())),
            )
        )
    return items, skipped


def _files(path: Path) -> Iterator[tuple[Path, str]]:
    """Files below a directory with their path relative to it; a file by its own name. Hidden ones are left out."""
    if path.is_file():
        yield path, path.name
        return
    for found in sorted(path.rglob("*")):
        relative = found.relative_to(path)
        if found.is_file() and not any(part.startswith(".") for part in relative.parts):
            yield found, relative.as_posix()


def _relative(path: Path, folder: Path) -> str:
    try:
        return path.relative_to(folder.resolve()).as_posix()
    except ValueError:
        return path.name


def _manifest(path: Path) -> dict[Path, dict[str, Any]]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {(path.parent / entry["path"]).resolve(): dict(entry) for entry in entries}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidDocument(
            f"The manifest {path.name} cannot be used.", hint='It is JSON: {"files": [{"path": "a.pdf", ...}]}'
        ) from error


async def _upload_all(
    client: httpx.AsyncClient,
    items: Sequence[Item],
    headers: Mapping[str, str],
    summary: IngestSummary,
    progress: Progress,
    task: TaskID,
) -> dict[str, Item]:
    """Upload, a few at a time; returns the documents that are not settled yet, by id."""
    waiting: dict[str, Item] = {}
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(item: Item) -> None:
        async with turns:
            try:
                answer = await _upload(client, item, headers)
            except _Refused as refusal:
                summary.failed += 1
                summary.failures.append(Failure(item.name, str(refusal)))
            else:
                summary.uploaded += 1
                summary.documents[item.name] = answer["document_id"]
                if answer["status"] == "ready":
                    summary.ready += 1
                else:
                    waiting[answer["document_id"]] = item
            progress.advance(task)

    await asyncio.gather(*map(one, items))
    return waiting


class _Refused(Exception):
    """An upload was answered with a problem; the text is for people."""


async def _upload(client: httpx.AsyncClient, item: Item, headers: Mapping[str, str]) -> dict[str, Any]:
    form = {
        "classification": item.classification,
        "metadata": json.dumps(dict(item.metadata)),
        "tags": json.dumps(item.tags),
    }
    try:
        content = await asyncio.to_thread(item.path.read_bytes)
    except OSError as error:
        raise _Refused(f"it cannot be opened ({error.strerror})") from error
    response = await client.post(
        "/v1/documents/upload", data=form, files={"file": (item.name, content)}, headers=dict(headers), timeout=300
    )
    if not response.is_success:
        raise _Refused(_problem(response))
    answer: dict[str, Any] = response.json()
    return answer


async def _settle(
    client: httpx.AsyncClient,
    waiting: dict[str, Item],
    headers: Mapping[str, str],
    summary: IngestSummary,
    progress: Progress,
    task: TaskID,
) -> None:
    """Look for the documents that are not settled until none is left."""
    looks = 0
    while waiting:
        await asyncio.sleep(pause_before(looks, len(waiting)))
        looks += 1
        for document_id, found in (await _looked_up(client, waiting, headers)).items():
            if found["status"] in OPEN:
                continue
            item = waiting.pop(document_id)
            if found["status"] == "ready":
                summary.ready += 1
            else:
                summary.failed += 1
                summary.failures.append(Failure(item.name, found.get("reason") or "no reason was given"))
            progress.advance(task)


def pause_before(looks: int, waiting: int) -> float:
    """Seconds to rest after so many looks, with so many documents on their way.

    Each page that is looked at is recorded, so we look less and less often, and less the more pages a look takes.
    """
    return min(LOOK_MOST_SECONDS, LOOK_SECONDS * (looks + 1)) * math.ceil(waiting / PAGE)


async def _looked_up(
    client: httpx.AsyncClient, wanted: Iterable[str], headers: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """The documents as the library lists them, latest first, down to the oldest that is wanted; the rest one by one."""
    missing = set(wanted)
    found: dict[str, dict[str, Any]] = {}
    token: str | None = ""
    while missing and token is not None:
        query = {"page_size": str(PAGE)} | ({"page_token": token} if token else {})
        response = await client.get("/v1/documents", params=query, headers=dict(headers))
        if not response.is_success:
            raise Unavailable(_problem(response))
        page = response.json()
        found |= {item["document_id"]: item for item in page["items"] if item["document_id"] in missing}
        missing -= found.keys()
        token = page["next_page_token"]
    for document_id in missing:
        response = await client.get(f"/v1/documents/{document_id}", headers=dict(headers))
        found[document_id] = (
            response.json() if response.is_success else {"status": "failed", "reason": _problem(response)}
        )
    return found


def _problem(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return f"HTTP {response.status_code}"
    return str(body.get("detail") or body.get("title") or f"HTTP {response.status_code}")
