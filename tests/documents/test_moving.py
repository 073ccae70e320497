"""A document is given to a team, to another, or to the whole plant; search and what it displaces follow at once."""

from __future__ import annotations

import json
import uuid
from uuid import UUID

import pytest
from sqlalchemy import select

from appliance.audit.tables import LeafRow
from appliance.documents.errors import NotForEverybody, TeamNotYours, UnknownDocument
from appliance.gate import Refused
from appliance.retrieval.tables import PassageSource
from appliance.store import AUDIT, Principal, Purpose
from appliance.store.admission import TeamRole
from appliance.teams.errors import UnknownTeam
from tests.documents.plant import Plant

PUMPS, VALVES = uuid.uuid4(), uuid.uuid4()
MANUAL, ANOTHER = b"# Seal\n\nThe seal is rated for 40 bar.\n", b"# Seal\n\nThe seal is rated for 90 bar.\n"


def member(plant: Plant, *teams: UUID, role: TeamRole = "member") -> Principal:
    return plant.person(teams=dict.fromkeys(teams, role))


async def sees(plant: Plant, who: Principal, document: UUID) -> bool:
    try:
        await plant.library.detail(who, document)
    except UnknownDocument:
        return False
    return True


async def told(plant: Plant, action: str) -> list[tuple[object, object]]:
    """The team before and after, as the records of what was done say it."""
    async with plant.store.open_internal(Purpose.VERIFY, AUDIT) as session:
        query = select(LeafRow.record).where(LeafRow.log == f"{plant.tenant.id}/1").order_by(LeafRow.seq)
        records = [json.loads(raw) for raw in await session.scalars(query)]
    done = [one["metadata"] for one in records if one["phase"] == "post" and one["result_status"] == "success"]
    return [(one["before"], one["after"]) for one in done if one["action"] == action]


async def test_a_document_that_was_everybodys_is_the_teams_alone_and_search_knows(node_plant: Plant) -> None:
    plant, mara = node_plant, member(node_plant, PUMPS)
    plant.start()
    row = await plant.ready("seal.md", MANUAL)
    otto = plant.person()

    view = await plant.moving.move(mara, row.id, PUMPS)

    assert view.team_id == PUMPS
    assert [await sees(plant, one, row.id) for one in (mara, otto)] == [True, False]
    async with plant.store.open_internal(Purpose.VERIFY, plant.tenant.id) as session:
        assert await session.scalar(select(PassageSource.team)) == str(PUMPS)
    assert await told(plant, "documents.move") == [(None, str(PUMPS))]


async def test_only_who_changes_things_in_both_teams_moves_a_document_between_them(plant: Plant) -> None:
    plant.start()
    row = await plant.ready("seal.md", MANUAL, by=member(plant, PUMPS), team=str(PUMPS))
    reader_there = plant.person(teams={PUMPS: "member", VALVES: "viewer"})
    reader_here = plant.person("admin", 3, teams={PUMPS: "viewer", VALVES: "owner"})

    for who in (member(plant, PUMPS), reader_there, reader_here):
        with pytest.raises(TeamNotYours):
            await plant.moving.move(who, row.id, VALVES)
    with pytest.raises(UnknownDocument):
        await plant.moving.move(member(plant, VALVES, role="owner"), row.id, VALVES)
    with pytest.raises(Refused):
        await plant.moving.move(plant.person("viewer", teams={PUMPS: "owner", VALVES: "owner"}), row.id, VALVES)

    assert (await plant.moving.move(member(plant, PUMPS, VALVES), row.id, VALVES)).team_id == VALVES
    assert not await sees(plant, member(plant, PUMPS), row.id)


async def test_only_an_owner_of_the_team_shows_its_document_to_everybody(plant: Plant) -> None:
    plant.start()
    row = await plant.ready("seal.md", MANUAL, by=member(plant, PUMPS), team=str(PUMPS))
    with pytest.raises(NotForEverybody):
        await plant.moving.move(member(plant, PUMPS), row.id, None)
    with pytest.raises(UnknownDocument):
        await plant.moving.move(plant.person("admin", 3), row.id, None)
    with pytest.raises(Refused):
        await plant.moving.move(plant.person("viewer", teams={PUMPS: "owner"}), row.id, None)
    assert not await sees(plant, plant.person(), row.id)

    await plant.moving.move(member(plant, PUMPS, role="owner"), row.id, None)

    assert await sees(plant, plant.person("viewer"), row.id)
    assert await told(plant, "documents.release") == [(str(PUMPS), None)]


async def test_what_it_displaced_is_in_force_again_and_what_it_displaces_no_more(plant: Plant) -> None:
    plant.start()
    mara = member(plant, PUMPS, role="owner")
    old = await plant.ready("seal.md", MANUAL)
    new = await plant.ready("seal.md", ANOTHER)

    async def in_force() -> list[bool]:
        rows = [await plant.row(one.id) for one in (old, new)]
        return [row is not None and row.in_force for row in rows]

    assert await in_force() == [False, True]
    await plant.moving.move(mara, new.id, PUMPS)
    assert await in_force() == [True, True]
    await plant.moving.move(mara, new.id, None)
    assert await in_force() == [False, True]


async def test_where_it_is_already_nothing_changes(plant: Plant) -> None:
    plant.start()
    row = await plant.ready("seal.md", MANUAL, by=member(plant, PUMPS), team=str(PUMPS))

    view = await plant.moving.move(member(plant, PUMPS), row.id, PUMPS)

    assert view.updated_at == row.updated_at


async def test_a_team_that_is_gone_gets_nothing(plant: Plant) -> None:
    plant.start()
    row = await plant.ready("seal.md", MANUAL)
    plant.teams.gone = {str(PUMPS)}

    with pytest.raises(UnknownTeam):
        await plant.moving.move(member(plant, PUMPS), row.id, PUMPS)
    with pytest.raises(UnknownTeam):
        await plant.upload("other.md", ANOTHER, by=member(plant, PUMPS), team=str(PUMPS))

    assert await sees(plant, plant.person(), row.id)


async def test_the_same_file_again_is_not_the_document_that_has_moved_on(plant: Plant) -> None:
    plant.start()
    both = member(plant, PUMPS, VALVES)
    row = await plant.ready("seal.md", MANUAL, by=both, team=str(PUMPS))
    await plant.moving.move(both, row.id, VALVES)

    again = await plant.upload("seal.md", MANUAL, by=member(plant, PUMPS), team=str(PUMPS))

    assert again.document_id != row.id


async def test_who_cannot_see_a_document_for_another_reason_does_not_move_it(plant: Plant) -> None:
    plant.start()
    nora = plant.person("operator", 3)
    row = await plant.ready("seal.md", MANUAL, by=nora, classification="III")

    with pytest.raises(UnknownDocument):
        await plant.moving.move(plant.person("operator", 3, teams={PUMPS: "owner"}), row.id, PUMPS)
    with pytest.raises(UnknownDocument):
        await plant.moving.move(plant.person("operator", 2, teams={PUMPS: "owner"}), row.id, PUMPS)
