"""Teams as values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from appliance.store import Admitted
from appliance.store.admission import TeamRole


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


class Holdings(Protocol):
    """What belongs to teams; `compose` gives documents and conversations."""

    async def of_team(self, admitted: Admitted, team: UUID) -> bool:
        """Whether anything of the tenant belongs to the team."""
