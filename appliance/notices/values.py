"""Whose work it is to carry notices out of the box, and what becomes of each."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from appliance.news.values import KINDS
from appliance.store import Principal, TenantId

_NAMESPACE: Final = uuid.UUID("3d7e9c52-6c0b-4a3f-8a4e-5b8f3f8d2a10")
WEBHOOK: Final = "webhooks.deliver"
"""The kind of job, and the action, that sends what waits for one webhook."""
MAIL: Final = "mail.send"
PING: Final = "ping"
CARRIED: Final = (*sorted(KINDS), PING)

DeliveryState = Literal["waiting", "sent", "dead"]


def courier_of(tenant_id: TenantId) -> Principal:
    """The service that sends; it is cleared for public documents only, and reads none."""
    return Principal(uuid.uuid5(_NAMESPACE, str(tenant_id)), "service", tenant_id, "courier", "admin", clearance=1)


def secret_of(webhook_id: UUID) -> str:
    """The name that the vault has the secret of a webhook under."""
    return f"webhook.{webhook_id}"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A program of the plant that hears of some kinds of things."""

    id: UUID
    name: str
    url: str
    kinds: tuple[str, ...]
    enabled: bool
    created_at: dt.datetime
    waiting: int
    failures: int
    next_at: dt.datetime | None
    last_sent_at: dt.datetime | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice on its way to one webhook; `status` is the last answer, `reason` why there was none or none is awaited."""

    id: UUID
    webhook_id: UUID
    kind: str
    state: DeliveryState
    tries: int
    status: int | None
    reason: str | None
    created_at: dt.datetime
    ended_at: dt.datetime | None
