"""L2.6: looking after the node and its database: jobs that check, tidy and export, and when they are done by themselves."""

from __future__ import annotations

from appliance.upkeep.backups import Backups
from appliance.upkeep.planning import Planner
from appliance.upkeep.purging import Purging
from appliance.upkeep.service import Upkeep
from appliance.upkeep.types import TYPES
from appliance.upkeep.working import Working

__all__ = ["TYPES", "Backups", "Planner", "Purging", "Upkeep", "Working"]
