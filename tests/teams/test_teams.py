"""Teams on both databases: who is in one, what may be removed, and that nobody from another plant gets in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.identity import Passwords, People
from appliance.identity.values import NewPerson
from appliance.policy import PolicyEngine
from appliance.store import Admitted, Principal, Store, Tenant, new_id
from appliance.store.admission import TeamRole
from appliance.teams import Teams, rules
from appliance.teams.errors import BadTeam, GuestRefused, NotInTeam, TeamExists, TeamHolds, UnknownTeam
from appliance.teams.service import Memberships
from appliance.teams.values import TeamChange

Enter = Callable[..., Admitted]


class Shelf:
    """Says that something belongs to the teams in `held`."""

    def __init__(self) -> None:
        self.held: set[UUID] = set()

    async def of_team(self, _admitted: Admitted, team: UUID) -> bool:
        return team in self.held


@pytest.fixture
def people(store: Store) -> Iterator[People]:
    passwords = Passwords(memory_kib=8, passes=1)
    yield People(store, passwords=passwords)
    passwords.close()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def teams(store: Store, people: People, shelf: Shelf) -> Teams:
    return Teams(store, people, PolicyEngine(), [shelf])


@pytest.fixture
def enter(admitted: Enter) -> Callable[[], Admitted]:
    return lambda: admitted(role="admin", clearance=3, action="teams.create")


@pytest.fixture
def enter_south(admitted: Enter, other_tenant: Tenant) -> Callable[[], Admitted]:
    return lambda: admitted(role="admin", clearance=3, action="teams.create", tenant=other_tenant)


async def somebody(people: People, enter: Admitted, name: str) -> UUID:
    made = await people.create(enter, NewPerson(name, name.title(), "viewer", None, "a long enough password"))
    return made.person.id


async def test_a_person_is_in_a_team_until_taken_out(
    store: Store, teams: Teams, people: People, enter: Callable[[], Admitted]
) -> None:
    nora = await somebody(people, enter(), "nora")
    team = await teams.create(enter(), "Pump crew", None, {})
    assert team.slug == "pump-crew"

    await teams.put_member(enter(), team.id, nora, "member")
    await teams.put_member(enter(), team.id, nora, "owner")
    assert await Memberships(store).of(nora) == {(str(team.id), "owner")}
    assert [(one.user_id, name) for one, name, _ in (await teams.read(enter(), team.id))[1]] == [(nora, "nora")]

    await teams.remove_member(enter(), team.id, nora)
    assert await Memberships(store).of(nora) == frozenset()
    with pytest.raises(NotInTeam):
        await teams.remove_member(enter(), team.id, nora)


async def test_two_teams_of_a_plant_have_two_short_names(teams: Teams, enter: Callable[[], Admitted]) -> None:
    await teams.create(enter(), "Pumps", None, {})
    other = await teams.create(enter(), "Valves", None, {})

    with pytest.raises(TeamExists):
        await teams.create(enter(), "PUMPS", None, {})
    with pytest.raises(TeamExists):
        await teams.update(enter(), other.id, TeamChange(slug="pumps"))


async def test_what_was_changed_is_told_to_the_record(teams: Teams, enter: Callable[[], Admitted]) -> None:
    team = await teams.create(enter(), "Pumps", None, {})
    admitted = enter()

    await teams.update(admitted, team.id, TeamChange(name="Pumps and seals"))

    assert admitted.outcome.metadata["before"]["name"] == "Pumps"
    assert admitted.outcome.metadata["after"]["name"] == "Pumps and seals"


async def test_a_team_goes_only_when_nothing_belongs_to_it(
    store: Store, teams: Teams, people: People, shelf: Shelf, enter: Callable[[], Admitted]
) -> None:
    nora = await somebody(people, enter(), "nora")
    team = await teams.create(enter(), "Pumps", None, {})
    await teams.put_member(enter(), team.id, nora, "member")
    shelf.held = {team.id}
    with pytest.raises(TeamHolds):
        await teams.delete(enter(), team.id)

    shelf.held = set()
    await teams.delete(enter(), team.id)

    assert await Memberships(store).of(nora) == frozenset()
    with pytest.raises(UnknownTeam):
        await teams.read(enter(), team.id)


async def test_who_does_not_own_a_team_changes_nothing_of_it_and_outsiders_do_not_know_of_it(
    teams: Teams, people: People, enter: Callable[[], Admitted], admitted: Enter, tenant: Tenant
) -> None:
    nora = await somebody(people, enter(), "nora")
    team = await teams.create(enter(), "Pumps", None, {})

    def acting(action: str, *roles: TeamRole) -> Admitted:
        mine = frozenset((str(team.id), role) for role in roles)
        return admitted(action=action, principal=Principal(nora, "person", tenant.id, "nora", "viewer", 1, teams=mine))

    assert (await teams.read(acting("teams.read", "viewer"), team.id))[0] == team
    assert await teams.page(acting("teams.list", "viewer"), limit=5) == [team]
    assert await teams.page(acting("teams.list"), limit=5) == []
    with pytest.raises(UnknownTeam):
        await teams.read(acting("teams.read"), team.id)
    below: tuple[TeamRole, ...] = ("viewer", "member")
    for role in below:
        with pytest.raises(UnknownTeam):
            await teams.put_member(acting("teams.staff", role), team.id, nora, "owner")
        with pytest.raises(UnknownTeam):
            await teams.update(acting("teams.update", role), team.id, TeamChange(name="Mine"))
    with pytest.raises(UnknownTeam):
        await teams.delete(acting("teams.delete", "owner"), team.id)
    await teams.put_member(acting("teams.staff", "owner"), team.id, nora, "member")


async def test_another_plant_neither_sees_a_team_nor_lends_it_people(
    teams: Teams, people: People, enter: Callable[[], Admitted], enter_south: Callable[[], Admitted]
) -> None:
    team = await teams.create(enter(), "Pumps", None, {})
    guest = await somebody(people, enter_south(), "sam")

    with pytest.raises(GuestRefused):
        await teams.put_member(enter(), team.id, guest, "viewer")
    with pytest.raises(GuestRefused):
        await teams.put_member(enter(), team.id, new_id(), "viewer")
    for act in (teams.read, teams.delete):
        with pytest.raises(UnknownTeam):
            await act(enter_south(), team.id)
    with pytest.raises(UnknownTeam):
        await teams.put_member(enter_south(), team.id, guest, "owner")
    assert await teams.page(enter_south(), limit=10) == []
    await teams.create(enter_south(), "Pumps", None, {})


@given(text=st.text(max_size=90))
def test_a_short_name_made_of_a_name_can_be_kept(text: str) -> None:
    try:
        made = rules.slug_of(text)
    except BadTeam:
        return
    assert rules.slug(made) == made
    assert len(made) <= rules.LONGEST_SLUG


@pytest.mark.parametrize("said", [{"a": "x" * 5000}, {"a": float("nan")}])
def test_settings_that_cannot_be_kept_are_refused(said: dict[str, Any]) -> None:
    with pytest.raises(BadTeam):
        rules.config(said)
