"""What a running job says of itself: that it lives, how far it is; and what it is told: that nobody wants it any more."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from typing import Any, Literal

import structlog
from sqlalchemy import update

from appliance.errors import OutpostError
from appliance.jobs import rules
from appliance.jobs import store as queries
from appliance.jobs.tables import JobRow
from appliance.jobs.values import Cancelled, JobId
from appliance.store import Purpose, Store, TenantId

REPORT_SECONDS = 0.5
Verdict = Literal["cancelled", "deadline", "lost"]

log = structlog.get_logger(__name__)


class Reporter:
    """Keeps the lease of one running job and tells its watchers how far it is, a few times a second at most."""

    def __init__(
        self, store: Store, tenant_id: TenantId, job_id: JobId, worker: str, deadline: dt.datetime | None
    ) -> None:
        self._store = store
        self._tenant_id = tenant_id
        self._job_id = job_id
        self._worker = worker
        self._deadline = deadline
        self._cancelled = False
        self._lost = False
        self.verdict: Verdict | None = None
        self._told = 0.0
        self._word = ""

    async def beat(self, doing: asyncio.Future[Any]) -> None:
        """Extend the lease until cancelled; end `doing` when its time is over, when another worker has the job, or when
        it was cancelled and has not stopped by itself within a beat. `verdict` then says why.
        """
        while True:
            await asyncio.sleep(self._until_next())
            asked = self._cancelled
            try:
                await self._extend({})
            except OutpostError as error:
                log.warning("a heartbeat was not written", code=error.code)
            if self._lost:
                self.verdict = "lost"
            elif rules.is_over(self._deadline, dt.datetime.now(dt.UTC)):
                self.verdict = "deadline"
            elif asked and self._cancelled:
                self.verdict = "cancelled"
            if self.verdict is not None:
                doing.cancel()
                return

    def _until_next(self) -> float:
        if self._deadline is None:
            return rules.BEAT_SECONDS
        left = (self._deadline - dt.datetime.now(dt.UTC)).total_seconds()
        return min(rules.BEAT_SECONDS, max(0.0, left))

    async def report(self, share: float, word: str) -> None:
        if self._cancelled:
            raise Cancelled
        if word == self._word and time.monotonic() - self._told < REPORT_SECONDS:
            return
        self._told, self._word = time.monotonic(), word
        await self._extend({"progress": min(1.0, max(0.0, share)), "word": word[:200]})
        if self._cancelled:
            raise Cancelled

    async def _extend(self, news: dict[str, Any]) -> None:
        now = dt.datetime.now(dt.UTC)
        async with self._store.open_internal(Purpose.CLAIM, self._tenant_id, write=True) as session:
            held = (JobRow.id == self._job_id) & (JobRow.worker == self._worker) & (JobRow.state == "running")
            changed = (
                update(JobRow)
                .where(held)
                .values(lease_until=now + rules.LEASE, **news)
                .returning(JobRow)
                .execution_options(synchronize_session=False)
            )
            row = (await session.scalars(changed)).one_or_none()
            self._lost = row is None
            self._cancelled = row is None or row.cancel_asked
            if row is not None and news:
                await queries.happened(session, row, "progress", news, now)
