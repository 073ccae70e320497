"""Webhooks as HTTP has them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from appliance.news.values import Kind
from appliance.notices.reach import LONGEST
from appliance.notices.values import Delivery, DeliveryState, Webhook
from appliance.web import Flag

Name = Annotated[str, Field(min_length=1, max_length=80)]
Url = Annotated[str, Field(min_length=1, max_length=LONGEST, description="Its host stands in `webhook_hosts`.")]
Kinds = Annotated[list[Kind], Field(min_length=1, max_length=40, description="What it hears of.")]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewWebhook(Body):
    name: Name
    url: Url
    kinds: Kinds


class WebhookChange(Body):
    """What is left out stays as it is."""

    name: Name | None = None
    url: Url | None = None
    kinds: Kinds | None = None
    enabled: Flag | None = None


class NewWebhookSecret(Body):
    """`grace_seconds`: for how long everything is signed with the secret before as well."""

    grace_seconds: Annotated[int, Field(ge=0, le=30 * 86_400)] = 86_400


class WebhookView(BaseModel):
    """A program that hears of things. `problem` is why the last try failed; `next_at` when the next one is."""

    id: UUID
    name: str
    url: str
    kinds: list[str]
    enabled: bool
    created_at: dt.datetime
    waiting: int
    failures: int
    next_at: dt.datetime | None
    last_sent_at: dt.datetime | None
    problem: str | None

    @classmethod
    def of(cls, one: Webhook) -> WebhookView:
        return cls(
            id=one.id, name=one.name, url=one.url, kinds=list(one.kinds), enabled=one.enabled,
            created_at=one.created_at, waiting=one.waiting, failures=one.failures, next_at=one.next_at,
            last_sent_at=one.last_sent_at, problem=one.problem,
        )  # fmt: skip


class WebhooksView(BaseModel):
    items: list[WebhookView]


class WebhookSecret(BaseModel):
    """Shown this once: what its receiver checks signatures with."""

    secret: str


class NewWebhookView(WebhookSecret):
    webhook: WebhookView


class DeliveryView(BaseModel):
    """`status` is the last answer; `reason` is why there was none, or why it was given up."""

    id: UUID
    webhook_id: UUID
    kind: str
    state: DeliveryState
    tries: int
    status: int | None
    reason: str | None
    created_at: dt.datetime
    ended_at: dt.datetime | None

    @classmethod
    def of(cls, one: Delivery) -> DeliveryView:
        return cls(
            id=one.id, webhook_id=one.webhook_id, kind=one.kind, state=one.state, tries=one.tries, status=one.status,
            reason=one.reason, created_at=one.created_at, ended_at=one.ended_at,
        )  # fmt: skip


class DeliveryPage(BaseModel):
    items: list[DeliveryView]
    next_page_token: str | None
