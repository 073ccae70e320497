"""The index of a plant made anew, and its documents read in again, over both databases."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from appliance.documents.renewing import Renewing
from appliance.jobs import Retry
from appliance.jobs.values import Cancelled, JobId, RunningJob
from appliance.store import new_id
from tests.documents.plant import Plant

MANUAL = b"# Pump\n\n" + b"".join(b"## Part %d\n\nText of part %d.\n\n" % (n, n) for n in range(5))


def renewing(plant: Plant) -> Renewing:
    return Renewing(plant.store, plant.gate, plant.index, plant.ingest)


def job(plant: Plant, stop_at: float = 2.0) -> RunningJob:
    """A job as the worker hands it on; it is cancelled when it is so far."""

    async def report(share: float, _word: str) -> None:
        assert 0 <= share <= 1
        if share >= stop_at:
            raise Cancelled

    return RunningJob(JobId(new_id()), plant.tenant.id, "index.rebuild", {}, 1, new_id(), report)


async def two(plant: Plant) -> list[UUID]:
    plant.start()
    found = [(await plant.ready(f"{name}.md", MANUAL + name.encode())).id for name in ("a", "b")]
    await plant.stop()
    return found


async def test_every_document_is_indexed_anew_and_none_is_read_in_again(plant: Plant) -> None:
    documents = await two(plant)
    before = [await plant.row(one) for one in documents]

    assert (await renewing(plant).rebuild(job(plant)))["documents"] == 2

    assert plant.index.renewed == documents
    assert plant.index.writes == 2
    assert [(await plant.row(one)).updated_at for one in documents] == [one.updated_at for one in before if one]  # type: ignore[union-attr]


async def test_cancelled_in_between_what_was_done_is_right_and_the_rest_is_as_before(plant: Plant) -> None:
    documents = await two(plant)

    with pytest.raises(Cancelled):
        await renewing(plant).rebuild(job(plant, stop_at=0.5))

    assert plant.index.renewed == documents[:1]
    assert set(plant.index.passages) == set(documents)


async def test_it_waits_while_the_models_are_down(plant: Plant) -> None:
    await two(plant)
    plant.embedder.down = 1

    with pytest.raises(Retry):
        await renewing(plant).rebuild(job(plant))
    assert plant.index.renewed == []


async def test_a_document_that_was_deleted_meanwhile_is_left_out(plant: Plant) -> None:
    documents = await two(plant)
    plant.embedder.gate.clear()
    working = asyncio.create_task(renewing(plant).rebuild(job(plant)))
    await asyncio.sleep(0.3)
    await plant.library.delete(plant.person("admin", 4), documents[0])
    plant.embedder.gate.set()

    assert (await working)["documents"] == 1
    assert plant.index.renewed == documents[1:]


async def test_every_document_is_read_in_again_once(plant: Plant) -> None:
    documents = await two(plant)
    for _ in range(2):
        await renewing(plant).reread(job(plant))
    plant.start()
    for one in documents:
        await plant.until(one, "ready")
    await plant.stop()

    assert plant.index.writes == 4


async def test_a_plant_without_documents_is_done_at_once(plant: Plant) -> None:
    assert await renewing(plant).rebuild(job(plant)) == {"documents": 0, "passages": 0}
    assert await renewing(plant).reread(job(plant)) == {"documents": 0}
