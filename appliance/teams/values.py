"""Teams as values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from appliance.store import Admitted
from appliance.store.admission import TeamRole

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class Team:
    id: UUID
    name: str
    slug: str
    created_at: dt.datetime
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Member:
    user_id: UUID
    team_role: TeamRole
    joined_at: dt.datetime


@dataclass(frozen=True, slots=True)
class TeamChange:
    """What is None stays as it is."""

    name: str | None = None
    slug: str | None = None
    config: Mapping[str, Any] | None = None


class Standing(Protocol):
    """Teams, for whoever gives something to one."""

    async def hold(self, session: AsyncSession, admitted: Admitted, team: str) -> None:
        """Keep a team from being removed until `session`, which writes the tenant's rows, has ended.

        Raises:
            UnknownTeam: it has been removed.
        """


class Holdings(Protocol):
    """What belongs to teams; `compose` gives documents and conversations."""

    async def of_team(self, admitted: Admitted, team: UUID) -> bool:
        """Whether anything of the tenant belongs to the team."""
