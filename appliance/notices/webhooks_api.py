"""Webhooks over HTTP, for admins."""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from uuid import UUID

from litestar import Controller, delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from appliance.notices import webhook_schemas as schemas
from appliance.notices.values import Delivery, DeliveryState
from appliance.notices.webhooks import Webhooks
from appliance.store import Principal
from appliance.web import PAGE_SIZE, PAGE_SIZE_MAX, Injected

BOTH = ("webhooks.manage", "vault.manage")


class WebhooksController(Controller):
    path = "/v1/webhooks"
    tags = ("Webhooks",)

    @get("/", operation_id="list_webhooks", asks="webhooks.list")
    async def listed(self, principal: Injected[Principal], webhooks: Injected[Webhooks]) -> schemas.WebhooksView:
        """The programs that hear of things, and how each is doing."""
        return schemas.WebhooksView(items=[schemas.WebhookView.of(one) for one in await webhooks.all(principal)])

    @post("/", operation_id="create_webhook", asks=BOTH, status_code=201)
    async def create(
        self, data: JSONBody[schemas.NewWebhook], principal: Injected[Principal], webhooks: Injected[Webhooks]
    ) -> schemas.NewWebhookView:
        """Have a program of the plant hear of things. Its secret is shown this once."""
        made, secret = await webhooks.create(
            principal, data.name, data.url, data.kinds, request=data.model_dump_json().encode()
        )
        return schemas.NewWebhookView(webhook=schemas.WebhookView.of(made), secret=secret)

    @get("/{webhook_id:uuid}", operation_id="get_webhook", asks="webhooks.list")
    async def read(
        self, webhook_id: FromPath[UUID], principal: Injected[Principal], webhooks: Injected[Webhooks]
    ) -> schemas.WebhookView:
        """One webhook."""
        return schemas.WebhookView.of(await webhooks.read(principal, webhook_id))

    @patch("/{webhook_id:uuid}", operation_id="change_webhook", asks="webhooks.manage")
    async def change(
        self,
        webhook_id: FromPath[UUID],
        data: JSONBody[schemas.WebhookChange],
        principal: Injected[Principal],
        webhooks: Injected[Webhooks],
    ) -> schemas.WebhookView:
        """Change a webhook, or switch it off and on; while it is off it hears of nothing new."""
        changed = await webhooks.change(
            principal, webhook_id, name=data.name, url=data.url, kinds=data.kinds, enabled=data.enabled,
            request=data.model_dump_json().encode(),
        )  # fmt: skip
        return schemas.WebhookView.of(changed)

    @delete("/{webhook_id:uuid}", operation_id="remove_webhook", asks=BOTH)
    async def remove(
        self, webhook_id: FromPath[UUID], principal: Injected[Principal], webhooks: Injected[Webhooks]
    ) -> None:
        """Send to it no longer; its secret is forgotten."""
        await webhooks.remove(principal, webhook_id)

    @post(
        "/{webhook_id:uuid}/secret",
        operation_id="rotate_webhook_secret",
        asks=("webhooks.list", "vault.manage"),
        status_code=200,
    )
    async def rotate(
        self,
        webhook_id: FromPath[UUID],
        data: JSONBody[schemas.NewWebhookSecret],
        principal: Injected[Principal],
        webhooks: Injected[Webhooks],
    ) -> schemas.WebhookSecret:
        """Give it another secret; for a while everything is signed with both."""
        grace = dt.timedelta(seconds=data.grace_seconds)
        return schemas.WebhookSecret(secret=await webhooks.rotate(principal, webhook_id, grace))

    @post("/{webhook_id:uuid}/test", operation_id="test_webhook", asks="webhooks.manage", status_code=202)
    async def test(
        self, webhook_id: FromPath[UUID], principal: Injected[Principal], webhooks: Injected[Webhooks]
    ) -> schemas.DeliveryView:
        """Send it a `ping`, behind what waits."""
        return schemas.DeliveryView.of(await webhooks.ping(principal, webhook_id))

    @get("/{webhook_id:uuid}/deliveries", operation_id="list_deliveries", asks="webhooks.list")
    async def deliveries(
        self,
        webhook_id: FromPath[UUID],
        principal: Injected[Principal],
        webhooks: Injected[Webhooks],
        delivery_state: Annotated[DeliveryState | None, QueryParameter(name="state")] = None,
        page_size: Annotated[int, QueryParameter(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE,
        page_token: FromQuery[str | None] = None,
    ) -> schemas.DeliveryPage:
        """What was sent to it, what waits, and what was given up; the latest first."""
        found, token = await webhooks.deliveries(
            principal, webhook_id, state=delivery_state, page_size=page_size, page_token=page_token
        )
        return schemas.DeliveryPage(items=[schemas.DeliveryView.of(one) for one in found], next_page_token=token)

    @post(
        "/{webhook_id:uuid}/deliveries/{delivery_id:uuid}/redeliver",
        operation_id="redeliver",
        asks="webhooks.manage",
        status_code=202,
    )
    async def redeliver(
        self,
        webhook_id: FromPath[UUID],
        delivery_id: FromPath[UUID],
        principal: Injected[Principal],
        webhooks: Injected[Webhooks],
    ) -> schemas.DeliveryView:
        """Send the same again, behind what waits."""
        made: Delivery = await webhooks.redeliver(principal, webhook_id, delivery_id)
        return schemas.DeliveryView.of(made)


ROUTES = [WebhooksController]
