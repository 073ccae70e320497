"""A team that is removed while something is being given to it: one of the two happens, never both."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.documents.described import Described
from appliance.identity import Passwords, People
from appliance.policy import PolicyEngine
from appliance.store import Admitted, Store, Tenant
from appliance.teams import Teams
from appliance.teams.errors import TeamHolds, UnknownTeam
from appliance.teams.service import Memberships
from tests.documents.plant import Plant, plant_on

MANUAL = b"# Seal\n\nThe seal is rated for 40 bar.\n"
Enter = Callable[..., Admitted]


class Slowly(Memberships):
    """Somebody who has just found the team there, and goes on when told."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.found, self.go = asyncio.Event(), asyncio.Event()

    async def hold(self, session: AsyncSession, admitted: Admitted, team: str) -> None:
        await super().hold(session, admitted, team)
        self.found.set()
        await self.go.wait()


class LooksSlowly(Described):
    """A removal that has just seen that nothing belongs to the team."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.looked, self.go = asyncio.Event(), asyncio.Event()

    async def of_team(self, admitted: Admitted, team: UUID) -> bool:
        found = await super().of_team(admitted, team)
        self.looked.set()
        await self.go.wait()
        return found


@pytest.fixture
def slowly(store: Store) -> Slowly:
    return Slowly(store)


@pytest.fixture
async def plant(store: Store, tenant: Tenant, tmp_path: Path, slowly: Slowly) -> AsyncIterator[Plant]:
    async with plant_on(store, tenant, tmp_path, teams=slowly) as plant:
        yield plant


@pytest.fixture
def holdings(store: Store) -> LooksSlowly:
    return LooksSlowly(store)


@pytest.fixture
async def teams(store: Store, holdings: LooksSlowly) -> AsyncIterator[Teams]:
    passwords = Passwords(memory_kib=8, passes=1)
    yield Teams(store, People(store, passwords=passwords), PolicyEngine(), [holdings])
    passwords.close()


async def made(teams: Teams, plant: Plant) -> UUID:
    async with plant.gate.admit(plant.person("admin", 3), "teams.create") as admitted:
        return (await teams.create(admitted, "Pumps", None, {})).id


async def remove(teams: Teams, plant: Plant, team: UUID) -> None:
    async with plant.gate.admit(plant.person("admin", 3), "teams.delete") as admitted:
        await teams.delete(admitted, team)


async def settled(task: asyncio.Task[object]) -> None:
    """Give a task that must wait for another the time to show that it does not."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(task), 0.3)


async def test_a_removal_waits_for_what_is_being_given_to_the_team_and_finds_it(
    plant: Plant, teams: Teams, slowly: Slowly, holdings: LooksSlowly
) -> None:
    holdings.go.set()
    team = await made(teams, plant)
    bringing = asyncio.create_task(
        plant.upload("seal.md", MANUAL, by=plant.person(teams={team: "member"}), team=str(team))
    )
    await slowly.found.wait()

    removing = asyncio.create_task(remove(teams, plant, team))
    await settled(removing)
    assert not holdings.looked.is_set()
    slowly.go.set()

    uploaded = await bringing
    with pytest.raises(TeamHolds):
        await removing
    row = await plant.row(uploaded.document_id)
    assert row is not None
    assert row.owner_team_id == str(team)


@pytest.mark.parametrize("how", ["upload", "move"])
async def test_what_comes_during_a_removal_finds_no_team(
    plant: Plant, teams: Teams, slowly: Slowly, holdings: LooksSlowly, how: str
) -> None:
    slowly.go.set()
    team = await made(teams, plant)
    mara, own = plant.person(teams={team: "member"}), await plant.upload("own.md", MANUAL)
    removing = asyncio.create_task(remove(teams, plant, team))
    await holdings.looked.wait()

    work = (
        plant.upload("seal.md", MANUAL, by=mara, team=str(team))
        if how == "upload"
        else plant.moving.move(mara, own.document_id, team)
    )
    giving: asyncio.Task[object] = asyncio.create_task(work)
    await settled(giving)
    assert not giving.done()
    holdings.go.set()

    await removing
    with pytest.raises(UnknownTeam):
        await giving
    row = await plant.row(own.document_id)
    assert row is not None
    assert row.owner_team_id is None
