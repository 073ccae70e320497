"""What there is to hear of, and who hears it.

A notice never carries text of a document, a name or a secret: only what kind of thing happened and ids, which the
screen puts into the reader's words. Who may not open the thing itself learns nothing more of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal
from uuid import UUID

Kind = Literal[
    "account.locked",
    "approval.asked",
    "approval.decided",
    "disk.low",
    "document.failed",
    "part.down",
    "policy.switched",
    "record.stopped",
    "upkeep.failed",
    "webhook.dead",
]

KINDS: Final[Mapping[Kind, str | None]] = MappingProxyType(
    {
        "account.locked": "people.update",
        "approval.asked": "approvals.read_all",
        "approval.decided": None,
        "disk.low": "node.health",
        "document.failed": None,
        "part.down": "node.health",
        "policy.switched": "policy.read",
        "record.stopped": "node.health",
        "upkeep.failed": "node.health",
        "webhook.dead": "webhooks.list",
    }
)
"""A kind -> the action that those may take who hear of it; None where only the person it concerns does."""

AUDIENCES: Final = tuple(sorted({one for one in KINDS.values() if one is not None}))


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened, as one reader has it.

    `audience` is the action that its readers may take, `person` somebody who hears of it besides.
    """

    id: UUID
    at: dt.datetime
    kind: Kind
    params: Mapping[str, Any]
    audience: str | None = None
    person: str | None = None
    author: str | None = None
    read: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose notices are meant: a subject, and the actions that it may take."""

    subject: UUID
    audiences: tuple[str, ...]
