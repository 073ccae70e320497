"""An upload that wants to hide, replace or find out about another document."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.documents.errors import UnknownDocument
from appliance.store import Store, Tenant
from tests.attacks.tally import refusal, tried
from tests.documents.plant import Plant, plant_on

MANUAL, OTHER = b"# Lock-out\n\nOpen Q101A first.\n", b"# Lock-out\n\nNo lock is needed.\n"


@pytest.fixture
async def plant(node_store: Store, tenant: Tenant, tmp_path: Path) -> AsyncIterator[Plant]:
    async with plant_on(node_store, tenant, tmp_path) as plant:
        plant.start()
        yield plant


async def test_an_upload_hides_no_document_that_its_uploader_may_not_read(plant: Plant) -> None:
    admin, operator = plant.person("admin", 3), plant.person("operator", 2)
    critical = await plant.ready("loto.md", MANUAL, by=admin, classification="III")
    for metadata in ('{"revision": "99"}', f'{{"supersedes": ["loto.md", "{critical.id}"]}}'):
        name = "loto.md" if "revision" in metadata else "other.md"
        await plant.ready(name, OTHER, by=operator, metadata=metadata)
        tried()

    row = await plant.row(critical.id)
    assert row is not None
    assert row.in_force


async def test_the_same_content_in_another_persons_reach_is_no_oracle(plant: Plant) -> None:
    admin, viewer, operator = plant.person("admin", 3), plant.person("viewer", 1), plant.person("operator", 2)
    critical = await plant.ready("loto.md", MANUAL, by=admin, classification="III")
    mine = await plant.upload("loto.md", MANUAL, by=operator)

    assert mine.document_id != critical.id
    for person in (viewer, operator):
        with refusal(UnknownDocument):
            await plant.library.detail(person, critical.id)
        with refusal(UnknownDocument):
            await plant.library.file(person, critical.id)
        with refusal(UnknownDocument):
            await plant.library.passages(person, critical.id, start=0, limit=5)
        with refusal(UnknownDocument):
            await plant.library.page_image(person, critical.id, 1, 300)


async def test_a_page_that_was_drawn_for_one_person_is_not_shown_to_another(plant: Plant) -> None:
    from tests.documents.papers import flowing_pdf

    admin = plant.person("admin", 3)
    row = await plant.ready("loto.pdf", flowing_pdf("secret"), by=admin, classification="III")
    await plant.library.page_image(admin, row.id, 1, 200)

    with refusal(UnknownDocument):
        await plant.library.page_image(plant.person("operator", 2), row.id, 1, 200)


async def test_what_stands_in_a_file_never_becomes_a_query(plant: Plant) -> None:
    sly = b"# '; DROP TABLE documents; --\n\n\" OR 1=1 -- %_\\ NEAR(a b) {a}\n"
    row = await plant.ready("'; DELETE FROM documents; --.md", sly, tags=["'; --"], metadata='{"assets": ["%\' OR 1"]}')
    tried(2)
    page = await plant.library.listed(plant.person(), page_size=20, words="' OR 1=1 --")

    assert row.status == "ready"
    assert page.items == []
    assert (await plant.library.listed(plant.person(), page_size=20)).items[
        0
    ].filename == "'; DELETE FROM documents; --.md"
