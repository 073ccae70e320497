"""What every domain keeps of people: one list for what they save and for what is erased."""

from __future__ import annotations

from typing import Final

from appliance.chat import personal as chat
from appliance.guard import personal as guard
from appliance.idempotency import personal as repeated
from appliance.identity import personal as accounts
from appliance.jobs import personal as jobs
from appliance.news import personal as news
from appliance.notices import personal as mail
from appliance.privacy.values import Part
from appliance.teams import personal as teams

PARTS: Final = (
    Part("account", "control", accounts.kept),
    Part("teams", "control", teams.kept, teams.forget),
    Part("conversations", "tenant", chat.conversations),
    Part("messages", "tenant", chat.messages),
    Part("feedback", "tenant", chat.feedback, chat.forget),
    Part("guard", "tenant", guard.kept, guard.forget),
    Part("notices", "tenant", news.kept, news.forget),
    Part("mail", "tenant", mail.kept, mail.forget),
    Part("jobs", "tenant", jobs.kept, jobs.forget),
    Part("repeated answers", "tenant", None, repeated.forget),
    Part("notices on their way", "control", None, news.forget_of_node),
    Part("account without a name", "control", None, accounts.forget),
)
"""What is forgotten last makes a person unknown: until then their names are there to look for."""
