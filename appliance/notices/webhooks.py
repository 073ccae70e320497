"""Webhooks as an admin has them. Every method is admitted and recorded; the secret is shown once, when it is made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Final, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from appliance.gate import Gate
from appliance.jobs import Waker
from appliance.notices import rules
from appliance.notices import store as queries
from appliance.notices.delivering import utc_now
from appliance.notices.errors import NoSuchWebhook, TooManyWebhooks
from appliance.notices.reach import Reach
from appliance.notices.tables import DeliveryRow, WebhookRow
from appliance.notices.values import PING, Delivery, DeliveryState, Webhook, secret_of
from appliance.policy import Resource
from appliance.store import Principal, Store, new_id
from appliance.vault.errors import NoSuchSecret
from appliance.vault.service import Vault
from appliance.web import Cursors

LIST: Final = "webhooks.list"
MANAGE: Final = "webhooks.manage"
MOST: Final = 20
"""Webhooks of a plant."""


class Webhooks:
    def __init__(
        self,
        store: Store,
        gate: Gate,
        vault: Vault,
        reach: Reach,
        waker: Waker,
        cursors: Cursors,
        *,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._store, self._gate, self._vault, self._reach = store, gate, vault, reach
        self._waker, self._cursors, self._clock = waker, cursors, clock

    async def all(self, principal: Principal) -> list[Webhook]:
        async with (
            self._gate.admit(principal, LIST, Resource("webhook")) as admitted,
            self._store.open_session(admitted) as session,
        ):
            return [await _webhook(session, row) for row in await queries.webhooks(session)]

    async def read(self, principal: Principal, webhook_id: UUID) -> Webhook:
        """Raises NoSuchWebhook."""
        async with (
            self._gate.admit(principal, LIST, Resource("webhook", str(webhook_id))) as admitted,
            self._store.open_session(admitted) as session,
        ):
            return await _webhook(session, _there(await queries.find(session, webhook_id)))

    async def create(
        self, principal: Principal, name: str, url: str, kinds: Sequence[str], *, request: bytes
    ) -> tuple[Webhook, str]:
        """Have a program hear of these kinds; returns its secret too.

        Raises:
            AddressNotListed: the owner of the box has not listed its host.
            TooManyWebhooks: there are 20.
        """
        webhook_id, secret = new_id(), rules.new_secret()
        async with self._gate.admit(principal, MANAGE, Resource("webhook"), request=request) as admitted:
            self._reach.listed(url)
            async with self._store.open_session(admitted, write=True) as session:
                if len(await queries.webhooks(session)) >= MOST:
                    raise TooManyWebhooks(f"A plant has at most {MOST} webhooks.")
                row = WebhookRow(
                    id=webhook_id, name=name, url=url, kinds=sorted(set(kinds)), enabled=True,
                    created_at=self._clock(), numbered=0, failures=0, next_at=None, held_by=None, held_until=None,
                    last_sent_at=None, problem=None,
                )  # fmt: skip
                session.add(row)
                await session.flush()
                admitted.outcome.resource_id = str(webhook_id)
                admitted.outcome.metadata |= {"kinds": row.kinds}
                made = await _webhook(session, row)
        await self._keep(principal, webhook_id, secret)
        return made, secret

    async def change(
        self,
        principal: Principal,
        webhook_id: UUID,
        *,
        name: str | None,
        url: str | None,
        kinds: Sequence[str] | None,
        enabled: bool | None,
        request: bytes,
    ) -> Webhook:
        """None leaves as it is. Switched on again, it gets what waits. Raises NoSuchWebhook, AddressNotListed."""
        resource = Resource("webhook", str(webhook_id))
        async with self._gate.admit(principal, MANAGE, resource, request=request) as admitted:
            if url is not None:
                self._reach.listed(url)
            async with self._store.open_session(admitted, write=True) as session:
                row = _there(await queries.find(session, webhook_id, to_change=True))
                row.name, row.url = name or row.name, url or row.url
                row.kinds = row.kinds if kinds is None else sorted(set(kinds))
                row.enabled = row.enabled if enabled is None else enabled
                row.next_at, row.failures = None, 0
                await session.flush()
                await queries.have_sent(session, admitted.tenant_id, row.id, key=f"changed:{new_id()}")
                admitted.outcome.metadata |= {"kinds": row.kinds, "enabled": row.enabled}
                changed = await _webhook(session, row)
        self._waker.wake()
        return changed

    async def remove(self, principal: Principal, webhook_id: UUID) -> None:
        """What waits for it is not sent. Raises NoSuchWebhook."""
        resource = Resource("webhook", str(webhook_id))
        async with (
            self._gate.admit(principal, MANAGE, resource) as admitted,
            self._store.open_session(admitted, write=True) as session,
        ):
            await session.delete(_there(await queries.find(session, webhook_id, to_change=True)))
        async with self._gate.admit(principal, "vault.manage", Resource("secret", secret_of(webhook_id))) as admitted:
            try:
                await self._vault.remove(admitted, secret_of(webhook_id))
            except NoSuchSecret:
                admitted.outcome.metadata["missing"] = True

    async def rotate(self, principal: Principal, webhook_id: UUID, grace: dt.timedelta) -> str:
        """A new secret; for `grace` everything is signed with the one before too. Raises NoSuchWebhook."""
        await self.read(principal, webhook_id)
        secret = rules.new_secret()
        async with self._gate.admit(principal, "vault.manage", Resource("secret", secret_of(webhook_id))) as admitted:
            try:
                await self._vault.rotate(admitted, secret_of(webhook_id), secret, grace)
            except NoSuchSecret:
                await self._vault.put(admitted, secret_of(webhook_id), secret)
        return secret

    async def ping(self, principal: Principal, webhook_id: UUID) -> Delivery:
        """Send a word to try it with. Raises NoSuchWebhook."""
        resource = Resource("webhook", str(webhook_id))
        async with (
            self._gate.admit(principal, MANAGE, resource) as admitted,
            self._store.open_session(admitted, write=True) as session,
        ):
            row = _there(await queries.find(session, webhook_id, to_change=True))
            row.next_at = None
            made = await queries.put(session, admitted.tenant_id, row, PING, {}, self._clock())
            admitted.outcome.metadata["delivery"] = str(made.id)
            put = _delivery(made)
        self._waker.wake()
        return put

    async def deliveries(
        self, principal: Principal, webhook_id: UUID, *, state: str | None, page_size: int, page_token: str | None
    ) -> tuple[list[Delivery], str | None]:
        """The latest first. Raises NoSuchWebhook."""
        before = self._cursors.decode(page_token).number("delivery") if page_token else None
        async with (
            self._gate.admit(principal, LIST, Resource("webhook", str(webhook_id))) as admitted,
            self._store.open_session(admitted) as session,
        ):
            _there(await queries.find(session, webhook_id))
            rows = await queries.deliveries(session, webhook_id, state=state, before=before, limit=page_size + 1)
        more = len(rows) > page_size
        shown = [_delivery(row) for row in rows[:page_size]]
        return shown, self._cursors.encode({"delivery": rows[page_size - 1].seq}) if more else None

    async def redeliver(self, principal: Principal, webhook_id: UUID, delivery_id: UUID) -> Delivery:
        """Send the same bytes again, as a delivery of its own behind all that waits. Raises NoSuchWebhook."""
        resource = Resource("webhook", str(webhook_id))
        async with (
            self._gate.admit(principal, MANAGE, resource) as admitted,
            self._store.open_session(admitted, write=True) as session,
        ):
            row = _there(await queries.find(session, webhook_id, to_change=True))
            old = await queries.delivery(session, delivery_id)
            if old is None or old.webhook_id != webhook_id:
                raise NoSuchWebhook("There is no such delivery.")
            made = await queries.put_bytes(session, admitted.tenant_id, row, old.kind, old.body, self._clock())
            admitted.outcome.metadata |= {"delivery": str(made.id), "again": str(old.id)}
            put = _delivery(made)
        self._waker.wake()
        return put

    async def _keep(self, principal: Principal, webhook_id: UUID, secret: str) -> None:
        name = secret_of(webhook_id)
        async with self._gate.admit(principal, "vault.manage", Resource("secret", name)) as admitted:
            await self._vault.put(admitted, name, secret)


def _there(row: WebhookRow | None) -> WebhookRow:
    if row is None:
        raise NoSuchWebhook("There is no such webhook here.")
    return row


async def _webhook(session: AsyncSession, row: WebhookRow) -> Webhook:
    return Webhook(
        row.id, row.name, row.url, tuple(row.kinds), row.enabled, row.created_at,
        await queries.waiting(session, row.id), row.failures, row.next_at, row.last_sent_at, row.problem,
    )  # fmt: skip


def _delivery(row: DeliveryRow) -> Delivery:
    return Delivery(
        row.id, row.webhook_id, row.kind, cast("DeliveryState", row.state), row.tries, row.status, row.reason,
        row.created_at, row.ended_at,
    )  # fmt: skip
