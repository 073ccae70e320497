"""L2.55: how what happened reaches people and programs: in the app, by webhook, by mail."""

from __future__ import annotations

from appliance.notices.inbox import Inbox
from appliance.notices.passing import Passing

__all__ = ["Inbox", "Passing"]
