"""The promises of the queue, kept over SQLCipher and PostgreSQL alike."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import Unprocessable
from appliance.jobs import Cancelled, Handler, Retry, RunningJob, Worker, enqueue
from appliance.jobs import store as queries
from appliance.jobs.tables import JobRow
from appliance.jobs.waking import Bell, Waker
from appliance.store import Admitted, Purpose, Store, Tenant

MakeAdmitted = Callable[..., Admitted]


class Nursery:
    """Starts workers on a store and stops them at the end of the test."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._running: list[tuple[Worker, asyncio.Task[None]]] = []
        self.alive = {"first", "second"}

    def start(self, name: str = "first", **handlers: Handler) -> Worker:
        bell = Bell(self._folder / f"{name}.sock")
        worker = Worker(self._store, handlers, name=name, is_alive=self.alive.__contains__, bell=bell)
        self._running.append((worker, asyncio.create_task(worker.run())))
        return worker

    async def stop(self) -> None:
        for worker, task in self._running:
            worker.stop()
            await asyncio.wait_for(task, 10)
        self._running.clear()


@pytest.fixture
async def nursery(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Nursery]:
    monkeypatch.setattr("appliance.jobs.worker.LOOK_SECONDS", 0.1)
    nursery = Nursery(store, tmp_path)
    yield nursery
    await nursery.stop()


async def put(store: Store, admitted: MakeAdmitted, kind: str = "work", key: str | None = None, **payload: Any) -> Any:
    action = admitted()
    async with store.open_session(action, write=True) as session:
        return await enqueue(session, kind=kind, payload=payload, owner=action.principal, idempotency_key=key)


async def job(store: Store, tenant: Tenant, job_id: Any) -> JobRow:
    async with store.open_internal(Purpose.VERIFY, tenant.id) as session:
        found = await queries.find(session, job_id)
        assert found is not None
        return found


async def until(store: Store, tenant: Tenant, job_id: Any, *states: str) -> JobRow:
    async with asyncio.timeout(20):
        while True:
            found = await job(store, tenant, job_id)
            if found.state in states:
                return found
            await asyncio.sleep(0.02)


async def events(store: Store, tenant: Tenant, job_id: Any) -> list[str]:
    async with store.open_internal(Purpose.VERIFY, tenant.id) as session:
        found = await queries.events_after(session, job_id, 0)
    assert [one.seq for one in found] == list(range(1, len(found) + 1))
    return [one.kind for one in found]


async def test_a_job_runs_once_and_keeps_its_result(
    store: Store, tenant: Tenant, admitted: MakeAdmitted, nursery: Nursery
) -> None:
    runs: list[Mapping[str, Any]] = []

    async def work(running: RunningJob) -> dict[str, Any]:
        runs.append(running.payload)
        await running.progress(0.5, "half way")
        return {"pages": 3}

    job_id = await put(store, admitted, file="a.pdf")
    nursery.start(work=work)
    done = await until(store, tenant, job_id, "finished")

    assert runs == [{"file": "a.pdf"}]
    assert (done.result, done.progress) == ({"pages": 3}, 1.0)
    assert await events(store, tenant, job_id) == ["queued", "running", "progress", "finished"]


async def test_the_same_idempotency_key_is_the_same_job(store: Store, admitted: MakeAdmitted) -> None:
    assert await put(store, admitted, key="k") == await put(store, admitted, key="k")
    assert await put(store, admitted, key="other") != await put(store, admitted, key="k")


async def test_two_workers_never_run_the_same_job(
    store: Store, tenant: Tenant, admitted: MakeAdmitted, nursery: Nursery
) -> None:
    runs: list[Any] = []

    async def work(running: RunningJob) -> None:
        runs.append(running.id)
        await asyncio.sleep(0.01)

    job_ids = [await put(store, admitted) for _ in range(12)]
    nursery.start("first", work=work)
    nursery.start("second", work=work)
    for job_id in job_ids:
        await until(store, tenant, job_id, "finished")

    assert sorted(runs) == sorted(job_ids)


async def test_a_job_of_a_dead_worker_is_taken_over_at_once(
    store: Store, tenant: Tenant, admitted: MakeAdmitted, nursery: Nursery
) -> None:
    job_id = await put(store, admitted)
    async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
        assert await queries.claim_next(session, "killed", ["work"], dt.datetime.now(dt.UTC)) is not None

    async def work(running: RunningJob) -> dict[str, Any]:
        return {"attempt": running.attempt}

    nursery.start(work=work)

    assert (await until(store, tenant, job_id, "finished")).result == {"attempt": 2}


async def test_a_job_that_kills_its_worker_every_time_fails_in_the_end(
    store: Store, tenant: Tenant, admitted: MakeAdmitted, nursery: Nursery
) -> None:
    job_id = await put(store, admitted)
    for _ in range(3):
        async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
            row = await queries.claim_next(session, "killed", ["work"], dt.datetime.now(dt.UTC))
            assert row is not None
            row.lease_until = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)

    async def work(_: RunningJob) -> None:
        raise AssertionError("it must not run a fourth time")

    nursery.start(work=work)

    assert (await until(store, tenant, job_id, "failed")).error is not None


async def test_a_living_worker_keeps_its_job(store: Store, tenant: Tenant, admitted: MakeAdmitted) -> None:
    await put(store, admitted)
    now = dt.datetime.now(dt.UTC)
    async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
        assert await queries.claim_next(session, "first", ["work"], now) is not None
    async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
        assert await queries.claim_next(session, "second", ["work"], now) is None


async def test_what_a_job_needs_may_be_down_for_long_without_using_up_its_tries(
    store: Store, tenant: Tenant, admitted: MakeAdmitted, nursery: Nursery
) -> None:
    tries: list[int] = []

    async def work(running: RunningJob) -> None:
        tries.append(running.attempt)
        if len(tries) < 6:
            raise Retry("the models are down", seconds=0.01)

    job_id = await put(store, admitted)
    nursery.start(work=work)
    await until(store, tenant, job_id, "finished")

    assert tries == [1] * 6


async def test_a_failure_that_nobody_foresaw_is_tried_again(
    store: Store, tenant: Tenant, admitted: MakeAdmitted, nursery: Nursery
) -> None:
    tries: list[int] = []

    async def work(running: RunningJob) -> None:
        tries.append(running.attempt)
        if len(tries) == 1:
            raise ZeroDivisionError

    job_id = await put(store, admitted)
    nursery.start(work=work)
    await until(store, tenant, job_id, "finished")

    assert tries == [1, 2]


async def test_a_cancelled_job_stops_at_its_next_step(
    store: Store, tenant: Tenant, admitted: MakeAdmitted, nursery: Nursery
) -> None:
    began = asyncio.Event()
    stopped: list[bool] = []

    async def work(running: RunningJob) -> None:
        began.set()
        try:
            for step in range(1000):
                await running.progress(step / 1000, f"step {step}")
                await asyncio.sleep(0.01)
        except Cancelled:
            stopped.append(True)
            raise

    job_id = await put(store, admitted)
    nursery.start(work=work)
    await asyncio.wait_for(began.wait(), 10)
    async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
        row = await queries.find(session, job_id)
        assert row is not None
        row.cancel_asked = True
    await until(store, tenant, job_id, "cancelled")

    assert stopped == [True]


async def test_stopping_the_worker_gives_its_job_back(
    store: Store, tenant: Tenant, admitted: MakeAdmitted, nursery: Nursery
) -> None:
    began = asyncio.Event()

    async def work(_: RunningJob) -> None:
        began.set()
        await asyncio.sleep(60)

    job_id = await put(store, admitted)
    nursery.start(work=work)
    await asyncio.wait_for(began.wait(), 10)
    await nursery.stop()

    assert (await job(store, tenant, job_id)).state == "queued"


async def test_a_ring_wakes_the_worker_and_nobody_listening_is_no_error(tmp_path: Path) -> None:
    Waker(tmp_path / "nobody.sock").wake()
    bell = Bell(tmp_path / "bell.sock")
    try:
        Waker(tmp_path / "bell.sock").wake()
        async with asyncio.timeout(5):
            await bell.wait(60)
    finally:
        bell.close()


async def test_a_job_waits_for_its_time(store: Store, tenant: Tenant, admitted: MakeAdmitted, nursery: Nursery) -> None:
    async def work(_: RunningJob) -> None:
        return None

    action = admitted()
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=3)
    async with store.open_session(action, write=True) as session:
        delayed = await enqueue(session, kind="work", payload={}, owner=action.principal, not_before=later)
    prompt = await put(store, admitted)
    nursery.start(work=work)
    await until(store, tenant, prompt, "finished")

    assert (await job(store, tenant, delayed)).state == "queued"


async def test_a_lease_given_before_the_clock_was_set_back_is_over(
    store: Store, tenant: Tenant, admitted: MakeAdmitted
) -> None:
    await put(store, admitted)
    now = dt.datetime.now(dt.UTC)
    async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
        row = await queries.claim_next(session, "first", ["work"], now)
        assert row is not None
        row.lease_until = now + dt.timedelta(days=300)
    async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
        assert await queries.claim_next(session, "second", ["work"], now) is not None


async def test_what_a_job_is_about_is_told_of_every_move(
    store: Store, tenant: Tenant, admitted: MakeAdmitted, tmp_path: Path
) -> None:
    told: list[tuple[str, str, str]] = []

    async def watch(_session: Any, payload: Mapping[str, Any], state: str, reason: str) -> None:
        told.append((payload["file"], state, reason))

    async def work(running: RunningJob) -> None:
        if running.payload["file"] == "bad":
            raise Unprocessable("It cannot be read.")

    good, bad = await put(store, admitted, file="good"), await put(store, admitted, file="bad")
    worker = Worker(
        store,
        {"work": work},
        name="first",
        is_alive=lambda _: True,
        bell=Bell(tmp_path / "bell.sock"),
        watches={"work": watch},
    )
    running = asyncio.create_task(worker.run())
    await until(store, tenant, good, "finished")
    await until(store, tenant, bad, "failed")
    worker.stop()
    await asyncio.wait_for(running, 10)

    assert [(state, reason) for file, state, reason in told if file == "good"] == [("running", ""), ("finished", "")]
    assert [(state, reason) for file, state, reason in told if file == "bad"] == [
        ("running", ""),
        ("failed", "It cannot be read."),
    ]


async def test_what_was_not_begun_by_its_deadline_fails_and_says_so(
    store: Store, tenant: Tenant, admitted: MakeAdmitted, nursery: Nursery
) -> None:
    runs: list[Any] = []

    async def work(running: RunningJob) -> None:
        runs.append(running.id)

    action = admitted()
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    async with store.open_session(action, write=True) as session:
        late = await enqueue(session, kind="work", payload={}, owner=action.principal, deadline_at=past)
    nursery.start(work=work)
    failed = await until(store, tenant, late, "failed")

    assert (failed.reason, runs) == ("deadline", [])


async def test_what_runs_past_its_deadline_is_ended(
    store: Store, tenant: Tenant, admitted: MakeAdmitted, nursery: Nursery
) -> None:
    undone: list[bool] = []

    async def work(_: RunningJob) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            undone.append(True)

    action = admitted()
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=0.5)
    async with store.open_session(action, write=True) as session:
        slow = await enqueue(session, kind="work", payload={}, owner=action.principal, deadline_at=soon)
    nursery.start(work=work)
    failed = await until(store, tenant, slow, "failed")

    assert (failed.reason, undone) == ("deadline", [True])
    assert (await events(store, tenant, slow))[-1] == "failed"


async def test_a_retry_that_would_come_after_the_deadline_fails_at_it(
    store: Store, tenant: Tenant, admitted: MakeAdmitted, nursery: Nursery
) -> None:
    async def work(_: RunningJob) -> None:
        raise Retry("the models are down", seconds=3600)

    action = admitted()
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
    async with store.open_session(action, write=True) as session:
        job_id = await enqueue(session, kind="work", payload={}, owner=action.principal, deadline_at=soon)
    nursery.start(work=work)

    assert (await until(store, tenant, job_id, "failed")).reason == "deadline"


async def test_a_cancelled_job_that_does_not_listen_is_ended(
    store: Store, tenant: Tenant, admitted: MakeAdmitted, nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.jobs.rules.BEAT_SECONDS", 0.05)
    began = asyncio.Event()

    async def work(_: RunningJob) -> None:
        began.set()
        await asyncio.sleep(60)

    job_id = await put(store, admitted)
    nursery.start(work=work)
    await asyncio.wait_for(began.wait(), 10)
    async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
        row = await queries.find(session, job_id)
        assert row is not None
        row.cancel_asked = True

    assert (await until(store, tenant, job_id, "cancelled")).reason is None


async def test_a_job_that_another_worker_took_is_let_go(
    store: Store, tenant: Tenant, admitted: MakeAdmitted, nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.jobs.rules.BEAT_SECONDS", 0.05)
    began, ended = asyncio.Event(), asyncio.Event()

    async def work(_: RunningJob) -> None:
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    job_id = await put(store, admitted)
    nursery.start(work=work)
    await asyncio.wait_for(began.wait(), 10)
    async with store.open_internal(Purpose.CLAIM, tenant.id, write=True) as session:
        row = await queries.find(session, job_id)
        assert row is not None
        row.worker, row.lease_until = "second", dt.datetime.now(dt.UTC) + dt.timedelta(seconds=20)
    await asyncio.wait_for(ended.wait(), 10)

    assert (await job(store, tenant, job_id)).worker == "second"


async def test_a_stopping_worker_lets_its_job_end_within_the_grace_and_claims_no_other(
    store: Store, tenant: Tenant, admitted: MakeAdmitted, nursery: Nursery
) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def work(_: RunningJob) -> None:
        began.set()
        await go_on.wait()

    first, second = await put(store, admitted), await put(store, admitted)
    worker = nursery.start(work=work)
    await asyncio.wait_for(began.wait(), 10)
    worker.stop(grace=30)
    go_on.set()
    await until(store, tenant, first, "finished")

    assert (await job(store, tenant, second)).state == "queued"


async def test_why_a_job_failed_stands_beside_it(
    store: Store, tenant: Tenant, admitted: MakeAdmitted, nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.jobs.rules.FIRST_PAUSE", dt.timedelta(0))

    async def refused(_: RunningJob) -> None:
        raise Unprocessable("It cannot be read.")

    async def broken(_: RunningJob) -> None:
        raise ZeroDivisionError

    one, other = await put(store, admitted, kind="refused"), await put(store, admitted, kind="broken")
    nursery.start(refused=refused, broken=broken)

    assert (await until(store, tenant, one, "failed")).reason == "refused"
    assert (await until(store, tenant, other, "failed")).reason == "gave-up"
