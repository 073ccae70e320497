"""Erases a person whom an admin has decided to erase. Killed between any two steps, it is done again from the first, and
what is done already is not done twice.

    account closed ──> names beside the record ──> rows of the plant ──> rows of the node ──> both once more ──> done
                       while they are known                               nameless from here   what was on its way

An answer that is being written while its reader is erased is found by the second look. The account loses its name last:
until then it is there to look for. What stays is the id: records keep it, and nobody tells by it who that was.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from appliance.audit import Recorder
from appliance.audit import personal as record
from appliance.errors import NotFound
from appliance.gate import Gate
from appliance.identity import personal as accounts
from appliance.identity import rules as identity_rules
from appliance.jobs import Handler, RunningJob
from appliance.policy import Resource
from appliance.privacy.exporting import utc_now
from appliance.privacy.ledger import Erased, note, noted
from appliance.privacy.requests import ERASE
from appliance.privacy.tables import RequestRow
from appliance.privacy.values import Part
from appliance.store import CONTROL, Admitted, Purpose, Store, TenantId, Where
from appliance.upkeep.values import upkeep_of

FORGET = "privacy.forget"


class Erasing:
    """Args:
    parts: what each domain keeps of people.
    beside: the directory of the backups, where it is written down who was erased.
    """

    def __init__(
        self,
        store: Store,
        gate: Gate,
        recorder: Recorder,
        parts: Sequence[Part],
        beside: Path,
        *,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._store, self._gate, self._recorder, self._parts, self._clock = store, gate, recorder, parts, clock
        self._beside = beside

    @property
    def handlers(self) -> dict[str, Handler]:
        return {ERASE: self}

    async def __call__(self, job: RunningJob) -> Mapping[str, Any]:
        request_id = UUID(job.payload["request"])
        resource = Resource("person")
        async with self._gate.admit(upkeep_of(job.tenant_id), FORGET, resource) as admitted:
            person_id = await self._person(admitted, request_id)
            admitted.outcome.resource_id = str(person_id)
            gone = await self._erase(job.tenant_id, person_id, job.progress)
            admitted.outcome.metadata |= {"request": str(request_id), "gone": gone}
            await asyncio.to_thread(note, self._beside, Erased(str(job.tenant_id), str(person_id), str(request_id)))
            async with self._store.open_session(admitted, write=True) as session:
                row = await session.get_one(RequestRow, request_id)
                if row.state != "done":
                    row.state, row.done_at = "done", self._clock()
        return {"gone": gone}

    async def _person(self, admitted: Admitted, request_id: UUID) -> UUID:
        async with self._store.open_session(admitted) as session:
            row = await session.get(RequestRow, request_id)
        if row is None or row.kind != "erasure" or row.state not in {"running", "done"}:
            raise NotFound("Nobody has decided to erase that person.")
        return row.person_id

    async def replay(self) -> int:
        """Erase again whom a restored backup has brought back; how many. What fails is tried at the next start."""
        again = 0
        here = {tenant.id for tenant in await self._store.tenants()}
        for one in await asyncio.to_thread(noted, self._beside):
            tenant_id, person_id = TenantId(UUID(one.tenant)), UUID(one.person)
            if tenant_id not in here:
                continue
            async with self._store.open_internal(Purpose.PURGE, CONTROL) as session:
                if not await accounts.has_name(session, person_id):
                    continue
            resource = Resource("person", one.person)
            async with self._gate.admit(upkeep_of(tenant_id), FORGET, resource) as admitted:
                gone = await self._erase(tenant_id, person_id, _unheard)
                admitted.outcome.metadata |= {"request": one.request, "gone": gone, "after": "a restore"}
            again += 1
        return again

    async def _erase(
        self, tenant_id: TenantId, person_id: UUID, progress: Callable[[float, str], Awaitable[None]]
    ) -> int:
        """How many rows went or changed."""
        await progress(0.0, "closing the account")
        async with self._store.open_internal(Purpose.PURGE, CONTROL, write=True) as session:
            await accounts.close(session, tenant_id, person_id, self._clock())
            names = await accounts.names(session, person_id)
        await progress(0.1, "names beside the record")
        gone = await self._forget_names(tenant_id, person_id, names)
        inside = [part for part in self._parts if part.where == "tenant"]
        of_node = [part for part in self._parts if part.where == "control"]
        steps = [*inside, *of_node, *inside]
        for number, part in enumerate(steps):
            await progress(0.2 + 0.6 * number / len(steps), part.name)
            gone += await self._forget_rows(tenant_id, part, person_id)
        await progress(0.9, "names that were on their way")
        return gone + await self._forget_names(tenant_id, person_id, names)

    async def _forget_names(self, tenant_id: TenantId, person_id: UUID, names: frozenset[str]) -> int:
        def is_theirs(typed: str) -> bool:
            return identity_rules.folded(typed) in names

        return await record.forget(self._recorder, self._store, tenant_id, person_id, is_theirs)

    async def _forget_rows(self, tenant_id: TenantId, part: Part, person_id: UUID) -> int:
        if part.forget is None:
            return 0
        where: Where = tenant_id if part.where == "tenant" else CONTROL
        async with self._store.open_internal(Purpose.PURGE, where, write=True) as session:
            return await part.forget(session, person_id)


async def _unheard(_share: float, _word: str) -> None:
    """Nobody watches what no job does."""
