"""Somebody who is not eligible for a document under export control, and wants it, a word of it, or to be rid of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.documents.approval_rules import Wanted
from appliance.documents.errors import UnknownApproval, UnknownDocument
from appliance.documents.exporting import ExportControl
from appliance.documents.tables import DocumentRow
from appliance.documents.uploads import describe
from appliance.gate import Refused
from appliance.store import Principal, Store, Tenant
from tests.attacks.tally import attempt, refusal, tried
from tests.documents.plant import Plant, plant_on

MANUAL, OTHER = b"# Seal\n\nThe seal is rated for 40 bar.\n", b"# Seal\n\nThe seal is rated for 90 bar.\n"


@pytest.fixture
async def plant(node_store: Store, tenant: Tenant, tmp_path: Path) -> AsyncIterator[Plant]:
    async with plant_on(node_store, tenant, tmp_path) as plant:
        plant.start()
        yield plant


def under(regime: str, **more: object) -> str:
    return json.dumps({"export_control": {"regime": regime}, **more})


async def controlled(plant: Plant, regime: str = "ITAR") -> DocumentRow:
    row = await plant.ready("seal.md", MANUAL, by=plant.person(eligible="EAR ITAR"), metadata=under(regime))
    assert row.status == "ready"
    return row


def ineligible(plant: Plant) -> list[Principal]:
    """Of every role, also eligible for the other regime alone; a kiosk; a program."""
    people = [
        plant.person("viewer"),
        plant.person("operator"),
        plant.person("admin", 3),
        plant.person("admin", 3, eligible="EAR"),
    ]
    kiosk = Principal(people[0].id, "kiosk", plant.tenant.id, "kiosk", "viewer", 3)
    return [*people, kiosk, Principal(people[1].id, "service", plant.tenant.id, "program", "admin", 3)]


async def test_it_is_neither_read_nor_downloaded_nor_changed_by_whoever_is_not_eligible(plant: Plant) -> None:
    row, library = await controlled(plant), plant.library
    for who in ineligible(plant):
        with refusal(UnknownDocument):
            await library.detail(who, row.id)
        with refusal(UnknownDocument):
            await library.file(who, row.id)
        with refusal(UnknownDocument):
            await library.passages(who, row.id, start=0, limit=5)
        with refusal(UnknownDocument):
            await library.page_image(who, row.id, 1, 300)
        if who.kind != "kiosk":
            with attempt():
                assert (await library.listed(who, page_size=20, words="seal")).items == []
        if who.role != "viewer":
            with refusal(UnknownDocument):
                await library.delete(who, row.id)
            with refusal(UnknownDocument):
                await library.reindex(who, row.id)
    assert await plant.row(row.id) is not None


async def test_whoever_brought_it_without_being_eligible_does_not_see_it_either(plant: Plant) -> None:
    operator = plant.person("operator")
    row = await plant.ready("seal.md", MANUAL, by=operator, metadata=under("ITAR"))

    assert row.data_owner == str(operator.id)
    with refusal(UnknownDocument):
        await plant.library.detail(operator, row.id)


async def test_an_upload_puts_it_out_of_force_only_if_its_uploader_could_read_it(plant: Plant) -> None:
    row = await controlled(plant)
    for number, (regime, who) in enumerate(
        (regime, who)
        for regime in ("NONE", "ITAR")
        for who in (plant.person("operator"), plant.person("admin", 3, eligible="EAR"))
    ):
        newer = {"revision": str(50 + number), "supersedes": ["seal.md", str(row.id)]}
        await plant.ready("seal.md", OTHER, by=who, metadata=under(regime, **newer))
        tried()
        now = await plant.row(row.id)
        assert now is not None
        assert now.in_force

    await plant.ready("seal.md", OTHER, by=plant.person(eligible="ITAR"), metadata=under("ITAR", revision="99"))
    now = await plant.row(row.id)
    assert now is not None
    assert not now.in_force


async def test_the_same_file_without_its_marking_is_another_document_and_no_oracle(plant: Plant) -> None:
    row, operator = await controlled(plant), plant.person("operator")
    mine = await plant.upload("seal.md", MANUAL, by=operator)

    with attempt():
        assert mine.document_id != row.id
        assert describe("seal.md").export.regime == "NONE"
        assert [one.id for one in (await plant.library.listed(operator, page_size=20)).items] == [mine.document_id]


async def test_nobody_lifts_for_themselves_what_keeps_a_document_from_them(plant: Plant) -> None:
    row, approvals = await controlled(plant), plant.approvals
    asker, wanted = plant.person("operator", eligible="ITAR"), Wanted("regime", "It is old.", regime="NONE")
    for who in ineligible(plant):
        with refusal((UnknownDocument, Refused)):
            await approvals.ask(who, row.id, wanted, request=b"")
        with refusal((UnknownDocument, Refused)):
            await approvals.classify(who, row.id, level=None, people=None, export=ExportControl("NONE"))

    asked = (await approvals.ask(asker, row.id, wanted, request=b"")).approval
    for who in [*ineligible(plant), asker]:
        with refusal((UnknownApproval, Refused)):
            await approvals.decide(who, asked.id, approve=True, answer="", request=b"", proven=proven)
    now = await plant.row(row.id)
    assert now is not None
    assert (now.export, plant.index.facts[row.id].export) == ("ITAR", "ITAR")


async def proven() -> None:
    """It is them."""
