"""Somebody who wants what belongs to a team that they are not in, or in which they may only read."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.documents.errors import UnknownDocument
from appliance.documents.tables import DocumentRow
from appliance.gate import Refused
from appliance.store import Principal, Store, Tenant
from tests.attacks.tally import attempt, refusal
from tests.documents.plant import Plant, plant_on

TEAM, OTHER = uuid.uuid4(), uuid.uuid4()
MANUAL, ANOTHER = b"# Seal\n\nThe seal is rated for 40 bar.\n", b"# Seal\n\nThe seal is rated for 90 bar.\n"


@pytest.fixture
async def plant(store: Store, tenant: Tenant, tmp_path: Path) -> AsyncIterator[Plant]:
    async with plant_on(store, tenant, tmp_path) as plant:
        plant.start()
        yield plant


async def of_the_team(plant: Plant, by: Principal | None = None) -> DocumentRow:
    return await plant.ready("seal.md", MANUAL, by=by or plant.person(teams={TEAM: "member"}), team=str(TEAM))


def outsiders(plant: Plant) -> list[Principal]:
    people = [plant.person("viewer"), plant.person("operator"), plant.person("admin", 3)]
    people.append(plant.person("admin", 3, teams={OTHER: "owner"}))
    return [*people, Principal(people[1].id, "service", plant.tenant.id, "program", "admin", 3)]


async def test_nobody_else_reads_lists_or_removes_what_belongs_to_a_team(plant: Plant) -> None:
    row, library = await of_the_team(plant), plant.library
    assert row.owner_team_id == str(TEAM)
    for who in outsiders(plant):
        with refusal(UnknownDocument):
            await library.detail(who, row.id)
        with refusal(UnknownDocument):
            await library.file(who, row.id)
        with attempt():
            assert (await library.listed(who, page_size=20)).items == []
        if who.role != "viewer":
            with refusal(UnknownDocument):
                await library.delete(who, row.id)
            with refusal(UnknownDocument):
                await library.reindex(who, row.id)
    assert await plant.row(row.id) is not None


async def test_whoever_has_left_the_team_does_not_see_even_what_they_brought(plant: Plant) -> None:
    member = plant.person(teams={TEAM: "owner"})
    row = await of_the_team(plant, member)
    assert (await plant.library.detail(member, row.id)).team_id == TEAM

    with refusal(UnknownDocument):
        await plant.library.detail(replace(member, teams=frozenset()), row.id)


async def test_a_viewer_of_a_team_reads_and_changes_nothing(plant: Plant) -> None:
    row = await of_the_team(plant)
    viewer = plant.person("admin", 3, teams={TEAM: "viewer"})
    assert (await plant.library.detail(viewer, row.id)).id == row.id

    with refusal(UnknownDocument):
        await plant.library.delete(viewer, row.id)
    with refusal(UnknownDocument):
        await plant.library.reindex(viewer, row.id)
    with refusal(Refused):
        await plant.upload("other.md", ANOTHER, by=viewer, team=str(TEAM))
    with refusal(Refused):
        await plant.upload("other.md", ANOTHER, by=plant.person("admin", 3), team=str(TEAM))


async def test_a_document_of_a_team_displaces_nothing_of_others(plant: Plant) -> None:
    for_all = await plant.ready("seal.md", MANUAL)
    theirs = await plant.ready("seal.md", ANOTHER, by=plant.person(teams={TEAM: "member"}), team=str(TEAM))

    assert theirs.in_force
    found = await plant.row(for_all.id)
    assert found is not None
    assert found.in_force


async def test_what_belongs_to_no_team_is_as_before(plant: Plant) -> None:
    row = await plant.ready("seal.md", MANUAL)

    for who in (plant.person("viewer"), plant.person(teams={OTHER: "viewer"})):
        assert (await plant.library.detail(who, row.id)).team_id is None
