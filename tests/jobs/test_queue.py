"""What the database itself keeps of the queue: arrows, keys, order and deadlines, over SQLCipher and PostgreSQL alike."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from appliance.jobs import enqueue
from appliance.jobs import store as queries
from appliance.store import Admitted, Purpose, Store, Tenant

MakeAdmitted = Callable[..., Admitted]
NOW = dt.datetime.now(dt.UTC)


async def put(store: Store, admitted: MakeAdmitted, **wanted: Any) -> Any:
    action = admitted()
    async with store.open_session(action, write=True) as session:
        return await enqueue(session, kind="work", payload={}, owner=action.principal, **wanted)


async def claimed(store: Store, tenant: Tenant, now: dt.datetime | None = None) -> Any:
    async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
        row = await queries.claim_next(session, "w", ["work"], now or dt.datetime.now(dt.UTC))
    return None if row is None else row.id


async def state_of(store: Store, tenant: Tenant, job_id: Any) -> str:
    async with store.open_internal(Purpose.VERIFY, tenant.id) as session:
        row = await queries.find(session, job_id)
    assert row is not None
    return row.state


@pytest.mark.parametrize("ended", ["finished", "failed", "cancelled"])
async def test_the_database_moves_nothing_that_has_ended(
    store: Store, tenant: Tenant, admitted: MakeAdmitted, ended: str
) -> None:
    job_id = await put(store, admitted)
    assert await claimed(store, tenant) == job_id
    async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
        await session.execute(text("UPDATE jobs SET state = :state"), {"state": ended})

    for other in {"queued", "running", "finished", "failed", "cancelled"} - {ended}:
        with pytest.raises(DBAPIError, match="does not move like that"):
            async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
                await session.execute(text("UPDATE jobs SET state = :state"), {"state": other})
    assert await state_of(store, tenant, job_id) == ended


@pytest.mark.parametrize("leapt", ["finished", "failed"])
async def test_the_database_finishes_nothing_that_has_not_begun(
    store: Store, tenant: Tenant, admitted: MakeAdmitted, leapt: str
) -> None:
    await put(store, admitted)

    with pytest.raises(DBAPIError, match="does not move like that"):
        async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
            await session.execute(text("UPDATE jobs SET state = :state"), {"state": leapt})


async def test_eight_requests_with_one_key_at_once_are_one_job(
    store: Store, tenant: Tenant, admitted: MakeAdmitted
) -> None:
    found = await asyncio.gather(*(put(store, admitted, idempotency_key="same") for _ in range(8)))

    assert len(set(found)) == 1
    async with store.open_internal(Purpose.VERIFY, tenant.id) as session:
        assert [one.kind for one in await queries.events_after(session, found[0], 0)] == ["queued"]


async def test_the_same_key_in_another_tenant_is_another_job(
    store: Store, tenant: Tenant, other_tenant: Tenant, admitted: MakeAdmitted
) -> None:
    ours = await put(store, admitted, idempotency_key="same")
    theirs = admitted(tenant=other_tenant)
    async with store.open_session(theirs, write=True) as session:
        job = await enqueue(session, kind="work", payload={}, owner=theirs.principal, idempotency_key="same")

    assert job != ours


async def test_the_urgent_go_first_and_among_equals_who_came_first(
    store: Store, tenant: Tenant, admitted: MakeAdmitted
) -> None:
    idle = await put(store, admitted, priority=1)
    first = await put(store, admitted)
    second = await put(store, admitted)
    urgent = await put(store, admitted, priority=9)

    assert [await claimed(store, tenant) for _ in range(5)] == [urgent, first, second, idle, None]


async def test_two_claims_at_once_take_two_jobs(store: Store, tenant: Tenant, admitted: MakeAdmitted) -> None:
    jobs = {await put(store, admitted) for _ in range(6)}

    taken = await asyncio.gather(*(claimed(store, tenant) for _ in range(8)))

    assert sorted(one for one in taken if one is not None) == sorted(jobs)
    assert taken.count(None) == 2
