"""`outpost ingest`: everything below a folder, with what a manifest says of it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import httpx
import pytest
from litestar import Litestar
from rich.console import Console

from appliance.app import build
from appliance.documents import api as documents_api
from appliance.documents.errors import InvalidDocument
from appliance.documents.ingest_cli import collected, ingest, pause_before
from appliance.store import Principal
from tests.documents.plant import Plant


class OwnersDoor:
    def __init__(self, owner: Principal) -> None:
        self._owner = owner

    async def authenticate(self, token: str, *, kiosk_token: str | None = None) -> Principal:
        return self._owner

    async def owner(self, tenant_slug: str | None) -> Principal:
        return self._owner

    async def turn_away(self, principal: Principal) -> None:
        raise AssertionError(principal)


@pytest.fixture
def client(node_plant: Plant) -> httpx.AsyncClient:
    owner = node_plant.person("admin", 3)
    app: Litestar = build(
        documents_api.ROUTES, {"library": node_plant.library, "moving": node_plant.moving}, OwnersDoor(owner)
    )
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app),  # type: ignore[arg-type]
        base_url="http://node",
        headers={"authorization": "Bearer owner"},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    (folder / "pumps").mkdir(parents=True)
    (folder / "pumps" / "a.md").write_text("# A\n\nText of A.")
    (folder / "b.txt").write_text("Text of B.")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    (folder / ".hidden.md").write_text("no")
    return folder


async def test_a_folder_is_taken_in_and_summed_up(client: httpx.AsyncClient, node_plant: Plant, folder: Path) -> None:
    node_plant.start()
    out = io.StringIO()
    async with client:
        summary = await ingest(
            client, [folder], tenant=None, classification="INTERNAL", wait=True, manifest=None,
            console=Console(file=out, width=200),
        )  # fmt: skip

    assert (summary.uploaded, summary.ready, summary.failed, summary.skipped) == (3, 2, 1, 1)
    assert sorted(summary.documents) == ["b.txt", "broken.pdf", "pumps/a.md"]
    assert summary.exit_code == 1
    text = out.getvalue()
    assert "picture.png (not a kind of file that is read)" in text
    assert "broken.pdf: The file is damaged: it cannot be opened as a PDF." in text
    assert "2 ready, 1 failed, 1 skipped" in text


async def test_a_second_run_does_nothing_twice(client: httpx.AsyncClient, node_plant: Plant, folder: Path) -> None:
    node_plant.start()
    (folder / "broken.pdf").unlink()
    quiet = Console(file=io.StringIO())
    async with client:
        runs = [
            await ingest(client, [folder], tenant=None, classification="II", wait=True, manifest=None, console=quiet)
            for _ in range(2)
        ]

    assert runs[0].documents == runs[1].documents
    assert [run.exit_code for run in runs] == [0, 0]


def test_looks_grow_rarer_since_each_is_recorded() -> None:
    assert [pause_before(looks, 39) for looks in range(7)] == [0.5, 1, 1.5, 2, 2.5, 3, 3]
    assert pause_before(1000, 1001) == 33


async def test_a_look_is_one_page_for_all_that_are_waited_for(
    client: httpx.AsyncClient, node_plant: Plant, folder: Path
) -> None:
    looks: list[str] = []

    async def look(request: httpx.Request) -> None:
        if request.method == "GET":
            looks.append(request.url.path)
            if len(looks) == 2:
                node_plant.start()

    client.event_hooks["request"].append(look)
    async with client:
        summary = await ingest(
            client, [folder], tenant=None, classification="INTERNAL", wait=True, manifest=None,
            console=Console(file=io.StringIO()),
        )  # fmt: skip

    assert (summary.ready, summary.failed) == (2, 1)
    assert len(looks) >= 3
    assert set(looks) == {"/v1/documents"}


async def test_a_document_that_was_deleted_meanwhile_is_not_waited_for(
    client: httpx.AsyncClient, node_plant: Plant, folder: Path
) -> None:
    admin = node_plant.person("admin", 3)

    async def delete(request: httpx.Request) -> None:
        if request.method == "GET":
            for document in (await node_plant.library.listed(admin, page_size=9)).items:
                await node_plant.library.delete(admin, document.id)

    client.event_hooks["request"].append(delete)
    async with client:
        summary = await ingest(
            client, [folder / "b.txt"], tenant=None, classification="INTERNAL", wait=True, manifest=None,
            console=Console(file=io.StringIO()),
        )  # fmt: skip

    assert [(one.path, one.reason) for one in summary.failures] == [("b.txt", "There is no such document.")]


async def test_a_refused_upload_is_named_with_its_reason(
    client: httpx.AsyncClient, node_plant: Plant, folder: Path
) -> None:
    async with client:
        summary = await ingest(
            client, [folder / "b.txt"], tenant=None, classification="V", wait=False, manifest=None,
            console=Console(file=io.StringIO()),
        )  # fmt: skip

    assert (summary.uploaded, summary.failed) == (0, 1)
    assert "none of the four levels" in summary.failures[0].reason


def test_a_manifest_says_more_of_its_files(folder: Path) -> None:
    manifest = folder / "manifest.json"
    entry = {"path": "pumps/a.md", "classification": "PUBLIC", "metadata": {"revision": "2"}, "tags": ["pump"]}
    manifest.write_text(json.dumps({"files": [entry]}))

    (alone,), _ = collected([], classification="INTERNAL", manifest=manifest)
    among, skipped = collected([folder], classification="INTERNAL", manifest=manifest)

    assert (alone.name, alone.classification, alone.metadata, alone.tags) == (
        "pumps/a.md",
        "PUBLIC",
        {"revision": "2"},
        ("pump",),
    )
    assert {item.name: item.classification for item in among} == {
        "pumps/a.md": "PUBLIC", "b.txt": "INTERNAL", "broken.pdf": "INTERNAL",
    }  # fmt: skip
    assert [path.name for path in skipped] == ["picture.png"]


def test_a_link_is_followed_within_the_named_folder_and_not_out_of_it(folder: Path) -> None:
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret.md").write_text("no")
    (folder / "within.md").symlink_to(folder / "pumps" / "a.md")
    (folder / "out.md").symlink_to("../elsewhere/secret.md")
    (folder / "pumps" / "away").symlink_to(elsewhere)
    (folder.parent / "named").symlink_to(folder)

    for named in (folder, folder.parent / "named"):
        items, skipped = collected([named], classification="INTERNAL", manifest=None)
        assert [item.name for item in items] == ["b.txt", "broken.pdf", "pumps/a.md", "within.md"]
        assert skipped[named / "out.md"] == "a link that leads out of the folder"
    (alone,), _ = collected([folder / "out.md"], classification="INTERNAL", manifest=None)
    assert alone.name == "out.md"


@pytest.mark.parametrize("text", ["", "[]", '{"files": [{}]}', '{"files": 3}'])
def test_a_manifest_that_cannot_be_used_is_an_error(folder: Path, text: str) -> None:
    manifest = folder / "m.json"
    manifest.write_text(text)
    with pytest.raises(InvalidDocument):
        collected([], classification="INTERNAL", manifest=manifest)
