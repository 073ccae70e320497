"""L2.55: how what happened reaches people and programs: in the app, by webhook, by mail."""

from __future__ import annotations

from appliance.notices.delivering import Delivering
from appliance.notices.inbox import Inbox
from appliance.notices.mailing import Mailer, Mailing
from appliance.notices.passing import Passing
from appliance.notices.reach import Reach
from appliance.notices.webhooks import Webhooks

__all__ = ["Delivering", "Inbox", "Mailer", "Mailing", "Passing", "Reach", "Webhooks"]
