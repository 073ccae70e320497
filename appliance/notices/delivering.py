"""Sends what waits for a webhook, in its order: the handler of jobs `webhooks.deliver`.

    its turn ─> the first that waits ─ admitted, secret, sent ─┬─ 2xx ─> the next one
       │                                                      ├─ else ─> later, and all behind it too
       └─ another job has it, or it is not time yet: later    └─ tried too often ─> dead, with its reason; the next one

One job at a time sends for one webhook; jobs of other webhooks go on beside it. A power cut between the sending and the
row that says so sends the same delivery again, with the same id: that is what receivers know it by.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from appliance.errors import Forbidden, Unavailable
from appliance.gate import Gate
from appliance.jobs import Handler, Retry, RunningJob
from appliance.news import tell
from appliance.notices import rules
from appliance.notices import store as queries
from appliance.notices.errors import AddressNotListed
from appliance.notices.reach import NoAnswer, Reach
from appliance.notices.tables import DeliveryRow, WebhookRow
from appliance.notices.values import PING, WEBHOOK, courier_of, secret_of
from appliance.policy import Resource
from appliance.store import Purpose, Store, TenantId
from appliance.vault.errors import NoSuchSecret, SecretDamaged
from appliance.vault.service import Vault

TURN: Final = dt.timedelta(seconds=60)
AGAIN_SECONDS: Final = 5.0
LONG: Final = 600.0


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Delivering:
    """Args:
    chance: from 0 to 1; spreads the next tries.
    """

    def __init__(
        self,
        store: Store,
        gate: Gate,
        vault: Vault,
        reach: Reach,
        *,
        clock: Callable[[], dt.datetime] = utc_now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._store, self._gate, self._vault, self._reach = store, gate, vault, reach
        self._clock, self._chance = clock, chance

    @property
    def handlers(self) -> dict[str, Handler]:
        return {WEBHOOK: self}

    async def __call__(self, job: RunningJob) -> Mapping[str, Any]:
        """Raises Retry until nothing waits for this webhook."""
        webhook_id, sent = UUID(job.payload["webhook"]), 0
        while True:
            await job.progress(0.5, "sending")
            taken = await self._turn(job, webhook_id)
            if taken is None:
                return {"sent": sent}
            wait = await self._one(job, *taken)
            await self._end_turn(job, webhook_id, wait)
            if wait is not None:
                raise Retry("it is tried again", seconds=wait)
            sent += 1

    async def _turn(self, job: RunningJob, webhook_id: UUID) -> tuple[WebhookRow, DeliveryRow] | None:
        """The first that waits, held for this job; None where nothing does. Raises Retry."""
        now = self._clock()
        async with self._store.open_internal(Purpose.CLAIM, job.tenant_id, write=True) as session:
            row = await queries.find(session, webhook_id, to_change=True)
            if row is None or not row.enabled:
                return None
            first = await queries.next_waiting(session, webhook_id)
            if first is None:
                return None
            # A moment that lies absurdly late was written before the clock was set back.
            held = row.held_until is not None and now < row.held_until <= now + TURN
            if held and row.held_by != job.id:
                raise Retry("another job sends for it", seconds=AGAIN_SECONDS)
            if row.next_at is not None and now < row.next_at <= now + dt.timedelta(seconds=rules.LONGEST_PAUSE):
                raise Retry("it is not time yet", seconds=(row.next_at - now).total_seconds())
            row.held_by, row.held_until = job.id, now + TURN
            return row, first

    async def _end_turn(self, job: RunningJob, webhook_id: UUID, wait: float | None) -> None:
        async with self._store.open_internal(Purpose.CLAIM, job.tenant_id, write=True) as session:
            row = await queries.find(session, webhook_id, to_change=True)
            if row is not None and row.held_by == job.id:
                row.held_by = row.held_until = None
                row.next_at = None if wait is None else self._clock() + dt.timedelta(seconds=wait)

    async def _one(self, job: RunningJob, webhook: WebhookRow, first: DeliveryRow) -> float | None:
        """Seconds until it is tried again; None where it is over with."""
        resource = Resource("webhook", str(webhook.id))
        try:
            async with self._gate.admit(courier_of(job.tenant_id), WEBHOOK, resource) as admitted:
                status: int | None = None
                reason: str | None = None
                over = False
                try:
                    secret = await self._vault.reveal(admitted, secret_of(webhook.id))
                    good = [secret.value, *([secret.before] if secret.before else [])]
                    status = await self._reach.post(webhook.url, first.body.encode(), self._headers(good, first))
                except NoAnswer as problem:
                    reason = problem.reason
                except AddressNotListed:
                    reason, over = "address-refused", True
                except (NoSuchSecret, SecretDamaged):
                    reason = "no-secret"
                admitted.outcome.metadata |= {
                    "delivery": str(first.id), "kind": first.kind, "status": status, "reason": reason,
                }  # fmt: skip
                async with self._store.open_session(admitted, write=True) as session:
                    return await self._settle(session, job.tenant_id, webhook.id, first.id, status, reason, over=over)
        except (Unavailable, Forbidden) as error:
            # Nothing is lost: it waits until the record, or the policy, lets it go.
            raise Retry(error.title, seconds=LONG) from error

    async def _settle(
        self,
        session: Any,
        tenant_id: TenantId,
        webhook_id: UUID,
        delivery_id: UUID,
        status: int | None,
        reason: str | None,
        *,
        over: bool,
    ) -> float | None:
        now = self._clock()
        row = await queries.find(session, webhook_id, to_change=True)
        one = await queries.delivery(session, delivery_id, to_change=True)
        if row is None or one is None or one.state != "waiting":
            return None
        one.tries += 1 if status is not None else 0
        one.status = status if status is not None else one.status
        found = "dead" if over else rules.verdict(status, tries=one.tries, created=one.created_at, now=now)
        if found == "sent":
            one.state, one.reason, one.ended_at = "sent", None, now
            row.failures, row.problem, row.last_sent_at = 0, None, now
            return None
        one.reason = row.problem = reason or f"status-{status}"
        row.failures += 1
        if found == "later":
            return rules.pause(row.failures, self._chance())
        one.state, one.ended_at = "dead", now
        row.failures = 0
        if one.kind not in (PING, "webhook.dead"):
            # What is told of a webhook that cannot be reached must not wait for it again and again.
            slot = f"webhook:{webhook_id}:{now:%Y%m%d}"
            await tell(session, "webhook.dead", slot=slot, at=now, webhook=str(webhook_id), reason=one.reason)
        return None

    def _headers(self, good: list[str], one: DeliveryRow) -> dict[str, str]:
        timestamp = int(self._clock().timestamp())
        return {
            "webhook-id": str(one.id),
            "webhook-timestamp": str(timestamp),
            "webhook-signature": rules.signature(good, str(one.id), timestamp, one.body.encode()),
            "user-agent": "Outpost",
        }
