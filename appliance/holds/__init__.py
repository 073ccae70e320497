"""L1: destruction holds. What is named by one is neither purged nor deleted until it is released."""

from __future__ import annotations

from appliance.holds.service import Holds, blocked, in_force

__all__ = ["Holds", "blocked", "in_force"]
