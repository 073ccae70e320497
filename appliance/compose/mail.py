"""Where mail is handed over, as the owner has set it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from appliance.notices.mail_rules import MailServer
from appliance.notices.mailing import Mailer

if TYPE_CHECKING:
    from appliance.settings import Settings
    from appliance.vault.service import Vault


def mailer_of(settings: Settings, vault: Vault) -> Mailer:
    server = None
    if settings.mail_server:
        host, _, port = settings.mail_server.rpartition(":")
        server = MailServer(host, int(port), settings.mail_security, settings.mail_sender, settings.mail_user)
    return Mailer(server, vault, beyond=settings.role == "hub")
