"""Teams over HTTP."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, delete, get, patch, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import BaseModel, ConfigDict, Field

from appliance.gate import Gate
from appliance.identity.sign_in import SignIn
from appliance.policy import Resource
from appliance.store import Principal
from appliance.store.admission import TeamRole
from appliance.teams.service import Teams
from appliance.teams.values import Member, Team, TeamChange
from appliance.web import PAGE_SIZE, PAGE_SIZE_MAX, Cursors, Injected

Name = Annotated[str, Field(min_length=1, max_length=80)]
Slug = Annotated[str, Field(min_length=1, max_length=64)]


class TeamView(BaseModel):
    """`team_role`: what you are in it; null where you are not in it."""

    id: UUID
    name: str
    slug: str
    config: dict[str, Any]
    created_at: dt.datetime
    team_role: TeamRole | None

    @classmethod
    def of(cls, team: Team, principal: Principal) -> TeamView:
        return cls(**_members(team, principal))


class MemberView(BaseModel):
    user_id: UUID
    username: str
    display_name: str
    team_role: TeamRole
    joined_at: dt.datetime

    @classmethod
    def of(cls, member: Member, username: str, display_name: str) -> MemberView:
        return cls(
            user_id=member.user_id, username=username, display_name=display_name, team_role=member.team_role,
            joined_at=member.joined_at,
        )  # fmt: skip


class TeamDetail(TeamView):
    """A team with who is in it, the first to join first."""

    members: list[MemberView]


class TeamPage(BaseModel):
    items: list[TeamView]
    next_page_token: str | None


class NewTeam(BaseModel):
    """Without a `slug` one is made of the name."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    slug: Slug | None = None
    config: dict[str, Any] = Field(default_factory=dict)


class ChangedTeam(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    slug: Slug | None = None
    config: dict[str, Any] | None = None


class PutMember(BaseModel):
    model_config = ConfigDict(extra="forbid")

    team_role: TeamRole = "member"


class TeamsController(Controller):
    path = "/v1/teams"
    tags = ("Teams",)

    @get("/", operation_id="list_teams", asks="teams.list")
    async def listed(
        self,
        principal: Injected[Principal],
        gate: Injected[Gate],
        teams: Injected[Teams],
        cursors: Injected[Cursors],
        page_size: Annotated[int, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
        page_token: FromQuery[str | None] = None,
    ) -> TeamPage:
        """The teams that you are in, by their short names; every team of the plant for an admin."""
        after = cursors.decode(page_token).text("team") if page_token else ""
        async with gate.admit(principal, "teams.list", resource=Resource("team")) as admitted:
            found = await teams.page(admitted, after=after, limit=page_size + 1)
        shown = found[:page_size]
        following = cursors.encode({"team": shown[-1].slug}) if len(found) > page_size else None
        return TeamPage(items=[TeamView.of(one, principal) for one in shown], next_page_token=following)

    @post("/", operation_id="create_team", asks="teams.create")
    async def create(
        self, data: JSONBody[NewTeam], principal: Injected[Principal], gate: Injected[Gate], teams: Injected[Teams]
    ) -> TeamView:
        """Make a team; nobody is in it yet, you neither."""
        said = data.model_dump_json().encode()
        async with gate.admit(principal, "teams.create", resource=Resource("team"), request=said) as admitted:
            return TeamView.of(await teams.create(admitted, data.name, data.slug, data.config), principal)

    @get("/{team_id:uuid}", operation_id="get_team", asks="teams.read")
    async def detail(
        self, team_id: FromPath[UUID], principal: Injected[Principal], gate: Injected[Gate], teams: Injected[Teams]
    ) -> TeamDetail:
        """A team, and who is in it."""
        async with gate.admit(principal, "teams.read", resource=_team(team_id)) as admitted:
            team, members = await teams.read(admitted, team_id)
        return TeamDetail(**_members(team, principal), members=[MemberView.of(*one) for one in members])

    @patch("/{team_id:uuid}", operation_id="update_team", asks="teams.update")
    async def update(
        self,
        team_id: FromPath[UUID],
        data: JSONBody[ChangedTeam],
        principal: Injected[Principal],
        gate: Injected[Gate],
        teams: Injected[Teams],
    ) -> TeamView:
        """Change what a team is called, or its settings."""
        change = TeamChange(data.name, data.slug, data.config)
        said = data.model_dump_json().encode()
        async with gate.admit(principal, "teams.update", resource=_team(team_id), request=said) as admitted:
            return TeamView.of(await teams.update(admitted, team_id, change), principal)

    @delete("/{team_id:uuid}", operation_id="delete_team", asks="teams.delete")
    async def remove(
        self,
        team_id: FromPath[UUID],
        principal: Injected[Principal],
        gate: Injected[Gate],
        teams: Injected[Teams],
        sign_in: Injected[SignIn],
    ) -> None:
        """Remove a team to which nothing belongs."""
        async with gate.admit(principal, "teams.delete", resource=_team(team_id)) as admitted:
            await teams.delete(admitted, team_id)
        sign_in.forget()

    @put("/{team_id:uuid}/members/{person_id:uuid}", operation_id="put_team_member", asks="teams.staff")
    async def put_member(
        self,
        team_id: FromPath[UUID],
        person_id: FromPath[UUID],
        data: JSONBody[PutMember],
        principal: Injected[Principal],
        gate: Injected[Gate],
        teams: Injected[Teams],
        sign_in: Injected[SignIn],
    ) -> TeamDetail:
        """Put a person of the plant into a team, or change what they are in it."""
        said = data.model_dump_json().encode()
        async with gate.admit(principal, "teams.staff", resource=_team(team_id), request=said) as admitted:
            await teams.put_member(admitted, team_id, person_id, data.team_role)
            team, members = await teams.read(admitted, team_id)
        sign_in.forget()
        return TeamDetail(**_members(team, principal), members=[MemberView.of(*one) for one in members])

    @delete("/{team_id:uuid}/members/{person_id:uuid}", operation_id="remove_team_member", asks="teams.staff")
    async def remove_member(
        self,
        team_id: FromPath[UUID],
        person_id: FromPath[UUID],
        principal: Injected[Principal],
        gate: Injected[Gate],
        teams: Injected[Teams],
        sign_in: Injected[SignIn],
    ) -> None:
        """Take a person out of a team; what belongs to it is theirs no more within two seconds."""
        async with gate.admit(principal, "teams.staff", resource=_team(team_id)) as admitted:
            await teams.remove_member(admitted, team_id, person_id)
        sign_in.forget()


def _team(team_id: UUID) -> Resource:
    return Resource("team", str(team_id))


def _members(team: Team, principal: Principal) -> dict[str, Any]:
    return {
        "id": team.id,
        "name": team.name,
        "slug": team.slug,
        "config": dict(team.config),
        "created_at": team.created_at,
        "team_role": dict(principal.teams).get(str(team.id)),
    }


ROUTES = [TeamsController]
