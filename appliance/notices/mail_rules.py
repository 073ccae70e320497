"""What a mail about a notice says, and to whom one may be addressed. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from typing import Final, Literal

from appliance.news.values import Kind
from appliance.notices.errors import BadAddress

Security = Literal["starttls", "tls", "none"]

LINES: Final[Mapping[Kind, str]] = {
    "account.locked": "An account was locked after wrong passwords.",
    "approval.asked": "An approval is asked.",
    "approval.decided": "What you asked for was decided.",
    "disk.low": "The disk is nearly full.",
    "document.failed": "A document that you brought could not be read.",
    "part.down": "A part does not answer.",
    "policy.switched": "Another policy pack is in force.",
    "record.stopped": "The record could not be written.",
    "upkeep.failed": "A job that looks after the node failed.",
    "webhook.dead": "A delivery to another program was given up.",
}
"""The one sentence of a mail. It names nothing and nobody: what it is about is seen after signing in."""

_ADDRESS: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,188}[A-Za-z0-9])?")
"""The plain form of RFC 5321, 4.1.2; no quotes, no comments, one line."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed over. `user` is empty where nobody has to sign in there; its password lies in the vault."""

    host: str
    port: int
    security: Security
    sender: str
    user: str = ""


def check_address(address: str) -> None:
    """Raises BadAddress."""
    if not _ADDRESS.fullmatch(address):
        raise BadAddress("That is no address for mail.")


def message(sender: str, to: str, plant: str, line: str, message_id: str) -> EmailMessage:
    """A mail of one sentence; sent twice, it is the same mail."""
    made = EmailMessage()
    made["From"], made["To"] = sender, to
    made["Subject"] = f"Outpost {plant}: {line}"
    made["Date"] = formatdate()
    made["Message-ID"] = f"<{message_id}@outpost.invalid>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(f"{line}\n\nSign in to the console of {plant} to see more.\n")
    return made
