"""Teams as admins and their owners keep them. Every call takes an admission and sees that admission's tenant alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from appliance.identity.people import People
from appliance.policy import Resource
from appliance.policy.ports import Permits
from appliance.store import CONTROL, Admitted, Purpose, Store, new_id
from appliance.store.admission import TeamRole
from appliance.teams import rules
from appliance.teams import store as queries
from appliance.teams.errors import BadTeam, GuestRefused, NotInTeam, TeamExists, TeamHolds, UnknownTeam
from appliance.teams.tables import MembershipRow, TeamRow
from appliance.teams.values import Holdings, Member, Team, TeamChange

AT_ONCE: Final = 100


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Memberships:
    """Who is in which teams, as it is now: asked whenever somebody's rights are."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def of(self, person_id: UUID) -> frozenset[tuple[str, TeamRole]]:
        """The ids of the person's teams, each with what they are there."""
        async with self._store.open_internal(Purpose.SIGN_IN, CONTROL) as session:
            return await queries.teams_of(session, person_id)

    async def hold(self, session: AsyncSession, admitted: Admitted, team: str) -> None:
        """Keep a team from being removed until `session`, which writes the tenant's rows, has ended. Raises UnknownTeam."""
        await queries.take_turn(session, alone=False)
        async with self._store.open_control(admitted) as control:
            if await queries.team(control, admitted.tenant_id, UUID(team)) is None:
                raise UnknownTeam("There is no such team here.")


class Teams:
    """Args:
    holdings: each says whether anything of a kind belongs to a team.
    """

    def __init__(
        self,
        store: Store,
        people: People,
        policy: Permits,
        holdings: Sequence[Holdings],
        *,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._store, self._people, self._holdings, self._clock = store, people, holdings, clock
        self._policy = policy

    async def page(self, admitted: Admitted, *, after: str = "", limit: int) -> list[Team]:
        """Teams by their short names, those that the policy permits to be read."""
        found: list[Team] = []
        async with self._store.open_control(admitted) as session:
            while len(found) < limit:
                rows = await queries.teams_after(session, admitted.tenant_id, after, AT_ONCE)
                may = self._policy.permits(admitted.principal, "teams.read", [_described(row.id) for row in rows])
                found += [queries.team_of(row) for row, permitted in zip(rows, may, strict=True) if permitted]
                if len(rows) < AT_ONCE:
                    break
                after = rows[-1].slug
        return found[:limit]

    async def read(self, admitted: Admitted, team_id: UUID) -> tuple[Team, list[tuple[Member, str, str]]]:
        """A team, and who is in it with the name to sign in with and the one that is shown. Raises UnknownTeam."""
        async with self._store.open_control(admitted) as session:
            row = await self._must_find(session, admitted, team_id)
            members = [queries.member_of(one) for one in await queries.members(session, team_id)]
        named = await self._people.among(admitted, [one.user_id for one in members])
        shown = {one.id: (one.username, one.display_name) for one in named}
        return queries.team_of(row), [(one, *shown[one.user_id]) for one in members if one.user_id in shown]

    async def create(self, admitted: Admitted, name: str, slug: str | None, config: Mapping[str, Any]) -> Team:
        """Make a team with nobody in it. Raises BadTeam, TeamExists."""
        kept = rules.name(name)
        row = TeamRow(
            id=new_id(),
            tenant_id=admitted.tenant_id,
            name=kept,
            slug=rules.slug_of(kept) if slug is None else rules.slug(slug),
            config=rules.config(config),
            created_at=self._clock(),
        )
        async with self._store.open_control(admitted, write=True) as session:
            await self._name(session, row, row.slug)
            session.add(row)
            await _flush(session)
            admitted.outcome.resource_id = str(row.id)
            admitted.outcome.metadata |= {"after": _told(row)}
            return queries.team_of(row)

    async def update(self, admitted: Admitted, team_id: UUID, change: TeamChange) -> Team:
        """Change what a team is called, or its settings. Raises UnknownTeam, BadTeam, TeamExists."""
        async with self._store.open_control(admitted, write=True) as session:
            row = await self._must_find(session, admitted, team_id, to_change=True)
            before = _told(row)
            if change.name is not None:
                row.name = rules.name(change.name)
            if change.slug is not None and (wanted := rules.slug(change.slug)) != row.slug:
                await self._name(session, row, wanted)
                row.slug = wanted
            if change.config is not None:
                row.config = rules.config(change.config)
            await _flush(session)
            admitted.outcome.metadata |= {"before": before, "after": _told(row)}
            return queries.team_of(row)

    async def delete(self, admitted: Admitted, team_id: UUID) -> None:
        """Remove a team that owns nothing; whatever is being given to it meanwhile waits, and finds no team.

        Raises:
            UnknownTeam: it is not here.
            TeamHolds: something belongs to it.
        """
        async with self._store.open_control(admitted) as session:
            await self._must_find(session, admitted, team_id)
        async with self._store.open_internal(Purpose.CLAIM, admitted.tenant_id, write=True) as turn:
            await queries.take_turn(turn, alone=True)
            if any([await one.of_team(admitted, team_id) for one in self._holdings]):
                raise TeamHolds("Something still belongs to the team.")
            async with self._store.open_control(admitted, write=True) as session:
                row = await self._must_find(session, admitted, team_id, to_change=True)
                admitted.outcome.metadata |= {"before": _told(row)}
                await queries.remove_members(session, team_id)
                await session.delete(row)

    async def put_member(self, admitted: Admitted, team_id: UUID, person_id: UUID, team_role: TeamRole) -> Member:
        """Put somebody into a team, or change what they are in it.

        Raises:
            UnknownTeam: it is not here.
            GuestRefused: the person is not of this plant.
            BadTeam: the team is full.
        """
        person = await self._people.known(admitted, str(person_id))
        async with self._store.open_control(admitted, write=True) as session:
            await self._must_find(session, admitted, team_id, to_change=True)
            if person is None:
                raise GuestRefused("Nobody with this id is in this plant.")
            found = await session.get(MembershipRow, (team_id, person_id))
            before = None if found is None else found.team_role
            if found is None:
                if len(await queries.members(session, team_id)) >= rules.MOST_MEMBERS:
                    raise BadTeam(f"A team has at most {rules.MOST_MEMBERS} people.")
                found = MembershipRow(team_id=team_id, user_id=person_id, team_role=team_role, joined_at=self._clock())
                session.add(found)
            found.team_role = team_role
            await session.flush()
            admitted.outcome.metadata |= {"member": str(person_id), "before": before, "after": team_role}
            return queries.member_of(found)

    async def remove_member(self, admitted: Admitted, team_id: UUID, person_id: UUID) -> None:
        """Take somebody out of a team. Raises UnknownTeam, NotInTeam."""
        async with self._store.open_control(admitted, write=True) as session:
            await self._must_find(session, admitted, team_id, to_change=True)
            found = await session.get(MembershipRow, (team_id, person_id))
            if found is None:
                raise NotInTeam("Nobody with this id is in the team.")
            admitted.outcome.metadata |= {"member": str(person_id), "before": found.team_role, "after": None}
            await session.delete(found)

    async def _must_find(
        self, session: AsyncSession, admitted: Admitted, team_id: UUID, *, to_change: bool = False
    ) -> TeamRow:
        """The team, if this action is allowed on it; otherwise as if there were none."""
        row = await queries.team(session, admitted.tenant_id, team_id, to_change=to_change)
        if row is None or self._policy.permits(admitted.principal, admitted.action, [_described(team_id)]) != [True]:
            raise UnknownTeam("There is no such team here.")
        return row

    async def _name(self, session: AsyncSession, row: TeamRow, slug: str) -> None:
        if await queries.has_slug(session, row.tenant_id, slug):
            raise TeamExists(f"Another team is called {slug!r}.")


def _described(team_id: UUID) -> Resource:
    """A team as policies see it."""
    return Resource("team", str(team_id), {"team": str(team_id)})


async def _flush(session: AsyncSession) -> None:
    try:
        await session.flush()
    except IntegrityError:
        # Somebody else took the name at the same moment.
        raise TeamExists("Another team has this short name.") from None


def _told(row: TeamRow) -> dict[str, Any]:
    return {"name": row.name, "slug": row.slug, "config": sorted(row.config)}
