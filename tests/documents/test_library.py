"""The library's promises, on SQLCipher and PostgreSQL alike."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

import pytest

from appliance.documents.errors import DocumentBusy, NoPages, UnknownDocument
from appliance.errors import Forbidden
from appliance.jobs import RunningJob
from appliance.jobs.values import JobId
from appliance.store import BlobName, Tenant, new_id
from tests.documents.plant import Plant

MANUAL = b"# Pump P-101A\n\n## Torque\n\nTighten the M12 casing bolts to 47 Nm.\n"
OTHER = b"# Filler\n\nThe filler FL-200 fills 24000 bottles an hour.\n"


async def test_an_upload_becomes_a_readable_document(plant: Plant) -> None:
    uploaded = await plant.upload("pumps/P-101A.md", MANUAL, tags=["Pump"], metadata='{"assets": ["P-101A"]}')
    assert uploaded.status == "processing"
    assert (await plant.row(uploaded.document_id)).status == "pending"  # type: ignore[union-attr]

    plant.start()
    await plant.until(uploaded.document_id, "ready")
    found = await plant.library.detail(plant.person(), uploaded.document_id)

    assert (found.title, found.passages, found.in_force, found.classification) == ("Pump P-101A", 1, True, "INTERNAL")
    assert (found.tags, found.assets) == (["pump"], ["P-101A"])
    assert found.chunks[0].heading == "Pump P-101A > Torque"
    assert found.chunks[0].text == "Tighten the M12 casing bolts to 47 Nm."


async def test_the_same_upload_twice_is_the_same_document_and_read_once(plant: Plant) -> None:
    plant.start()
    first = await plant.ready("a.md", MANUAL)
    again = await plant.upload("a.md", MANUAL)

    assert (again.document_id, again.status) == (first.id, "ready")
    assert plant.index.writes == 1


async def test_the_same_content_described_otherwise_is_another_document(plant: Plant) -> None:
    first = await plant.upload("a.md", MANUAL)
    assert (await plant.upload("b.md", MANUAL)).document_id != first.document_id
    assert (await plant.upload("a.md", MANUAL, classification="PUBLIC")).document_id != first.document_id
    assert (await plant.upload("a.md", MANUAL, metadata='{"revision": "2"}')).document_id != first.document_id


async def test_a_failed_document_is_tried_again_by_the_same_upload(plant: Plant) -> None:
    plant.start()
    failed = await plant.ready("broken.pdf", b"%PDF-1.4 and then nothing")
    again = await plant.upload("broken.pdf", b"%PDF-1.4 and then nothing")

    assert failed.status == "failed"
    assert failed.reason == "The file is damaged: it cannot be opened as a PDF."
    assert (again.document_id, again.status) == (failed.id, "processing")


async def test_nobody_uploads_above_their_clearance_and_viewers_do_not_upload(plant: Plant) -> None:
    with pytest.raises(Forbidden):
        await plant.upload("a.md", MANUAL, by=plant.person("operator", 2), classification="CONFIDENTIAL")
    with pytest.raises(Forbidden):
        await plant.upload("a.md", MANUAL, by=plant.person("viewer", 2))


async def test_lists_and_details_hold_only_what_a_person_may_read(plant: Plant, other_tenant: Tenant) -> None:
    public = await plant.upload("public.md", MANUAL, classification="I")
    inner = await plant.upload("inner.md", MANUAL, classification="II")
    tagged = await plant.upload("tagged.md", MANUAL, classification="II", tags=["restricted"])
    critical = await plant.upload("critical.md", MANUAL, by=plant.person("admin", 3), classification="III")

    async def seen(role: Any, clearance: int, tenant: Tenant | None = None) -> list[str]:
        page = await plant.library.listed(plant.person(role, clearance, tenant), page_size=20)
        return [item.filename for item in page.items]

    assert await seen("viewer", 1) == ["public.md"]
    assert await seen("viewer", 2) == ["inner.md", "public.md"]
    assert await seen("operator", 3) == ["tagged.md", "inner.md", "public.md"]
    assert await seen("admin", 3) == ["critical.md", "tagged.md", "inner.md", "public.md"]
    assert await seen("admin", 3, other_tenant) == []
    for document in (inner, tagged, critical):
        with pytest.raises(UnknownDocument):
            await plant.library.detail(plant.person("viewer", 1), document.document_id)
    with pytest.raises(UnknownDocument):
        await plant.library.detail(plant.person("admin", 3, other_tenant), public.document_id)


async def test_a_named_person_reads_a_class_three_document(plant: Plant) -> None:
    nora = plant.person("viewer", 3)
    uploaded = await plant.upload(
        "c.md", MANUAL, by=plant.person("admin", 3), classification="III", metadata=f'{{"acl": ["{nora.id}"]}}'
    )

    assert (await plant.library.detail(nora, uploaded.document_id)).filename == "c.md"


async def test_pages_of_the_list_follow_each_other_without_gaps(plant: Plant) -> None:
    for number in range(5):
        await plant.upload(f"{number}.md", MANUAL)
    seen: list[str] = []
    token: str | None = None
    while True:
        page = await plant.library.listed(plant.person(), page_size=2, page_token=token)
        seen += [item.filename for item in page.items]
        token = page.next_page_token
        if token is None:
            break

    assert seen == ["4.md", "3.md", "2.md", "1.md", "0.md"]


async def test_the_list_is_filtered_by_state_and_by_words(plant: Plant) -> None:
    await plant.upload("Filler 100%.md", OTHER)
    await plant.upload("pump_manual.md", MANUAL)
    person = plant.person()

    async def names(**wanted: Any) -> list[str]:
        return [item.filename for item in (await plant.library.listed(person, page_size=20, **wanted)).items]

    assert await names(words="PUMP manual") == ["pump_manual.md"]
    assert await names(words="100%") == ["Filler 100%.md"]
    assert await names(words="%") == ["Filler 100%.md"]
    assert await names(status="ready") == []
    assert len(await names(status="pending")) == 2


async def test_a_new_revision_takes_the_place_of_the_old_one_in_one_step(plant: Plant) -> None:
    plant.start()
    old = await plant.ready("sop.md", MANUAL, metadata='{"revision": "2"}')
    assert old.in_force
    new = await plant.ready("sop.md", OTHER, metadata='{"revision": "10"}')

    assert new.in_force
    assert not (await plant.row(old.id)).in_force  # type: ignore[union-attr]
    assert (plant.index.facts[old.id].in_force, plant.index.facts[new.id].in_force) == (False, True)


async def test_a_document_supersedes_another_by_its_name(plant: Plant) -> None:
    plant.start()
    old = await plant.ready("sop-r2.md", MANUAL)
    await plant.ready("sop-r3.md", OTHER, metadata='{"supersedes": "sop-r2.md"}')

    assert not (await plant.row(old.id)).in_force  # type: ignore[union-attr]


async def test_a_document_that_arrives_after_its_successor_is_not_in_force(plant: Plant) -> None:
    plant.start()
    await plant.ready("sop-r3.md", OTHER, metadata='{"supersedes": ["sop-r2.md"]}')

    assert not (await plant.ready("archive/sop-r2.md", MANUAL)).in_force


async def test_deleting_the_successor_brings_the_old_document_back(plant: Plant) -> None:
    plant.start()
    old = await plant.ready("sop.md", MANUAL, metadata='{"revision": "1"}')
    new = await plant.ready("sop.md", OTHER, metadata='{"revision": "2"}')
    await plant.library.delete(plant.person(), new.id)

    assert (await plant.row(old.id)).in_force  # type: ignore[union-attr]
    assert await plant.row(new.id) is None
    assert new.id not in plant.index.facts


async def test_a_document_comes_into_force_when_its_day_comes(plant: Plant) -> None:
    plant.start()
    old = await plant.ready("sop.md", MANUAL, metadata='{"revision": "1"}')
    day = (plant.now + dt.timedelta(days=30)).date().isoformat()
    new = await plant.ready("sop.md", OTHER, metadata=f'{{"revision": "2", "effective_from": "{day}"}}')
    assert (new.in_force, (await plant.row(old.id)).in_force) == (False, True)  # type: ignore[union-attr]

    plant.now += dt.timedelta(days=31)
    await plant.ingest.look_again(job_of(plant))

    assert (await plant.row(new.id)).in_force  # type: ignore[union-attr]
    assert not (await plant.row(old.id)).in_force  # type: ignore[union-attr]


def job_of(plant: Plant, **payload: Any) -> RunningJob:
    async def report(_share: float, _word: str) -> None:
        return None

    return RunningJob(JobId(new_id()), plant.tenant.id, "test", payload, 1, new_id(), report)


async def test_a_deleted_file_is_erased_unless_another_document_holds_it(plant: Plant) -> None:
    plant.start()
    first = await plant.ready("a.md", MANUAL)
    second = await plant.ready("b.md", MANUAL)
    blob = BlobName(first.blob)
    assert first.blob == second.blob

    await plant.library.delete(plant.person(), first.id)
    await plant.ingest.erase(job_of(plant, blob=blob))
    assert await plant.store.blobs.exists(plant.tenant.id, blob)

    await plant.library.delete(plant.person(), second.id)
    await plant.ingest.erase(job_of(plant, blob=blob))
    assert not await plant.store.blobs.exists(plant.tenant.id, blob)


async def test_viewers_do_not_delete_and_what_one_cannot_see_one_cannot_delete(plant: Plant) -> None:
    uploaded = await plant.upload("a.md", MANUAL)
    critical = await plant.upload("c.md", MANUAL, by=plant.person("admin", 3), classification="III")
    with pytest.raises(Forbidden):
        await plant.library.delete(plant.person("viewer"), uploaded.document_id)
    with pytest.raises(UnknownDocument):
        await plant.library.delete(plant.person("operator", 2), critical.document_id)
    with pytest.raises(UnknownDocument):
        await plant.library.delete(plant.person(), new_id())


async def test_reading_in_again_keeps_the_document_answering_meanwhile(plant: Plant) -> None:
    plant.start()
    row = await plant.ready("a.md", MANUAL)
    await plant.stop()
    again = await plant.library.reindex(plant.person(), row.id)

    assert again.job_id != row.job_id
    assert (await plant.row(row.id)).in_force  # type: ignore[union-attr]
    with pytest.raises(DocumentBusy):
        await plant.library.reindex(plant.person(), row.id)

    plant.start()
    await plant.until(row.id, "ready")
    assert plant.index.writes == 2


async def test_the_file_comes_back_as_it_was(plant: Plant) -> None:
    uploaded = await plant.upload("manual ü.md", MANUAL)
    found, media_type, content = await plant.library.file(plant.person("viewer"), uploaded.document_id)

    assert (found.filename, media_type) == ("manual ü.md", "text/markdown")
    assert b"".join([piece async for piece in content]) == MANUAL


async def test_only_a_pdf_has_pictures_of_its_pages(plant: Plant) -> None:
    uploaded = await plant.upload("a.md", MANUAL)
    with pytest.raises(NoPages):
        await plant.library.page_image(plant.person(), uploaded.document_id, 1, 400)


async def test_passages_are_read_on_from_any_place(plant: Plant) -> None:
    plant.start()
    text = "".join(f"# Part {number}\n\nText of part {number}.\n\n" for number in range(30)).encode()
    row = await plant.ready("long.md", text)
    page = await plant.library.passages(plant.person(), row.id, start=28, limit=10)

    assert [passage.ordinal for passage in page.items] == [28, 29]
    assert isinstance(row.id, UUID)
