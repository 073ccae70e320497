"""Teams of a plant: people who share documents that nobody else sees."""

from __future__ import annotations

from appliance.teams.service import Teams

__all__ = ["Teams"]
