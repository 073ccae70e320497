"""A plant in which there is every team that somebody is said to be in, but for those that are gone."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from appliance.store import Admitted
from appliance.teams.errors import UnknownTeam


class EveryTeam:
    def __init__(self) -> None:
        self.gone: set[str] = set()

    async def hold(self, _session: AsyncSession, _admitted: Admitted, team: str) -> None:
        if team in self.gone:
            raise UnknownTeam("There is no such team here.")
