"""L0.5: what happened that somebody should hear of, written in the transaction in which it happened."""

from __future__ import annotations

from appliance.news.telling import tell, tell_alone
from appliance.news.values import KINDS, Kind, Notice

__all__ = ["KINDS", "Kind", "Notice", "tell", "tell_alone"]
