"""The gate: what it decides is recorded before, what was done is recorded after, whatever happens between."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import func, select, text

from appliance.audit import Recorder
from appliance.audit.errors import RecordUnavailable, Unrecordable
from appliance.audit.instances import Instance
from appliance.audit.recovery import close_dangling
from appliance.audit.tables import LeafRow, OpenRow, TenantOutboxRow
from appliance.audit.verify import verify
from appliance.errors import Conflict, Forbidden
from appliance.gate import Gate, Refused
from appliance.policy import PolicyEngine, Resource
from appliance.store import AUDIT, Principal, Purpose, Store, Tenant, new_id
from appliance.store.admission import Role, minter

CHANGE = text("UPDATE meta SET created_at = created_at")
policy = PolicyEngine()


@pytest.fixture
async def recorder(store: Store) -> AsyncIterator[Recorder]:
    recorder = Recorder(store, Instance(store.data / "run"))
    yield recorder
    await recorder.close()


@pytest.fixture
async def gate(store: Store, recorder: Recorder) -> AsyncIterator[Gate]:
    gate = Gate(policy, recorder, minter())
    store.post_record = gate.post_record
    yield gate
    await gate.close()


def person(tenant: Tenant, role: Role = "operator") -> Principal:
    return Principal(new_id(), "person", tenant.id, "Nora North", role, 2, session_id=new_id())


async def records(store: Store, tenant: Tenant) -> list[dict[str, Any]]:
    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        query = select(LeafRow.record).where(LeafRow.log == f"{tenant.id}/1").order_by(LeafRow.seq)
        return [json.loads(raw) for raw in await session.scalars(query)]


async def test_admitted_work_is_recorded_before_and_after(store: Store, gate: Gate, tenant: Tenant) -> None:
    nora = person(tenant)
    async with gate.admit(nora, "chat.ask", Resource("conversation"), request=b"Torque of M12?") as admitted:
        (pre,) = await records(store, tenant)
        admitted.outcome.model = "reader"
        admitted.outcome.metadata["passages"] = 3
        admitted.outcome.resource_id = "42"

    _, post = await records(store, tenant)
    assert (pre["phase"], pre["event_type"], pre["result_status"]) == ("pre", "chat.request", None)
    assert pre["request_hash"] == hashlib.sha256(b"Torque of M12?").hexdigest()
    assert pre["user_id"] == str(nora.id)
    assert pre["session_id"] == str(nora.session_id)
    assert pre["actor"] == {"kind": "person", "role": "operator"}
    assert pre["policies"] == list(admitted.decision.policies)
    assert pre["pack_version"] == policy.pack_version
    assert (post["phase"], post["event_type"], post["result_status"]) == ("post", "chat.response", "success")
    assert post["correlation_id"] == pre["correlation_id"] == str(admitted.correlation_id)
    assert (post["model"], post["resource_id"], post["metadata"]["passages"]) == ("reader", "42", 3)
    assert post["latency_ms"] >= 0


async def test_neither_name_nor_question_stands_in_a_record(store: Store, gate: Gate, tenant: Tenant) -> None:
    async with gate.admit(person(tenant), "chat.ask", Resource("conversation"), request=b"Who is Jan Novak?"):
        pass

    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        raw = b"".join((await session.scalars(select(LeafRow.record))).all())
    assert b"Nora" not in raw
    assert b"Novak" not in raw


async def test_a_refusal_is_one_record_and_names_the_policies(store: Store, gate: Gate, tenant: Tenant) -> None:
    with pytest.raises(Refused) as refused:
        async with gate.admit(person(tenant, "viewer"), "people.create", Resource("person")):
            pytest.fail("the body ran")

    (denial,) = await records(store, tenant)
    assert (denial["event_type"], denial["phase"], denial["result_status"]) == ("policy.denied", "single", "denied")
    assert denial["metadata"]["action"] == "people.create"
    assert refused.value.context["policies"] == denial["policies"] != []
    assert refused.value.status == 403


async def test_who_is_turned_away_is_recorded_and_who_is_not_is_not_admitted_either(
    store: Store, gate: Gate, tenant: Tenant
) -> None:
    await gate.turn_away(person(tenant), "documents.upload", Resource("document"))
    assert await records(store, tenant) == []

    with pytest.raises(Refused):
        await gate.turn_away(person(tenant, "viewer"), "documents.upload", Resource("document"))
    (denial,) = await records(store, tenant)
    assert (denial["event_type"], denial["metadata"]["action"]) == ("policy.denied", "documents.upload")


async def test_a_change_and_its_post_record_are_one_transaction(store: Store, gate: Gate, tenant: Tenant) -> None:
    async with (
        gate.admit(person(tenant), "documents.upload", Resource("document")) as admitted,
        store.open_session(admitted, write=True) as session,
    ):
        await session.execute(CHANGE)
        admitted.outcome.resource_id = "the new one"

    pre, post = await records(store, tenant)
    assert (pre["event_type"], post["event_type"]) == ("doc.upload", "doc.upload")
    assert (post["phase"], post["result_status"], post["resource_id"]) == ("post", "success", "the new one")


async def test_relayed_rows_leave_the_outbox(store: Store, tenant: Tenant) -> None:
    recorder = Recorder(store, Instance(store.data / "run"))
    gate = Gate(policy, recorder, minter())
    store.post_record = gate.post_record
    for _ in range(3):
        async with (
            gate.admit(person(tenant), "documents.upload", Resource("document")) as admitted,
            store.open_session(admitted, write=True) as session,
        ):
            await session.execute(CHANGE)

    await gate.close()
    await recorder.close()

    async with store.open_internal(Purpose.RELAY, tenant.id) as session:
        assert await session.scalar(select(func.count()).select_from(TenantOutboxRow)) == 0
    assert len(await records(store, tenant)) == 6


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Conflict("taken"), "error", "conflict"),
        (RuntimeError("bug"), "error", "internal-error"),
        (Forbidden("not yours"), "denied", "forbidden"),
    ],
)
async def test_work_that_fails_is_recorded_with_its_code(
    store: Store, gate: Gate, tenant: Tenant, error: Exception, status: str, code: str
) -> None:
    with pytest.raises(type(error)):
        async with gate.admit(person(tenant), "documents.upload", Resource("document")):
            raise error

    _, post = await records(store, tenant)
    assert (post["result_status"], post["metadata"]["error"]) == (status, code)
    assert post["event_type"] == ("policy.denied" if status == "denied" else "doc.upload")


async def test_a_change_that_was_rolled_back_is_recorded_as_failed(store: Store, gate: Gate, tenant: Tenant) -> None:
    with pytest.raises(Conflict):
        async with (
            gate.admit(person(tenant), "documents.upload", Resource("document")) as admitted,
            store.open_session(admitted, write=True) as session,
        ):
            await session.execute(CHANGE)
            raise Conflict("no")

    assert [(each["phase"], each["result_status"]) for each in await records(store, tenant)] == [
        ("pre", None),
        ("post", "error"),
    ]


async def test_a_failure_after_the_commit_says_that_the_change_stands(store: Store, gate: Gate, tenant: Tenant) -> None:
    with pytest.raises(Conflict):
        async with gate.admit(person(tenant), "documents.upload", Resource("document")) as admitted:
            async with store.open_session(admitted, write=True) as session:
                await session.execute(CHANGE)
            raise Conflict("too late")

    _, done, failed = await records(store, tenant)
    assert done["result_status"] == "success"
    assert (failed["result_status"], failed["metadata"]["after_commit"]) == ("error", True)


async def test_cancelled_work_is_recorded_as_cancelled(store: Store, gate: Gate, tenant: Tenant) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        async with gate.admit(person(tenant), "chat.ask", Resource("conversation")):
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    _, post = await records(store, tenant)
    assert (post["result_status"], post["metadata"]["error"]) == ("error", "cancelled")


async def test_work_cancelled_at_any_moment_leaves_no_open_record(store: Store, gate: Gate, tenant: Tenant) -> None:
    """Cancelled after 0, 1, 2 ... turns of the loop: before, while and after the pre- and post-record are written."""

    async def work() -> None:
        async with gate.admit(person(tenant), "chat.ask", Resource("conversation")):
            await asyncio.sleep(0)

    for turns in range(40):
        task = asyncio.create_task(work())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    await gate.close()

    async with store.open_internal(Purpose.VERIFY, AUDIT) as session:
        assert await session.scalar(select(func.count()).select_from(OpenRow)) == 0
    phases: dict[str, list[str]] = {}
    for each in await records(store, tenant):
        phases.setdefault(each["correlation_id"], []).append(each["phase"])
    assert all(own == ["pre", "post"] for own in phases.values())
    assert (await verify(store)).ok


async def test_without_a_record_nothing_happens(store: Store, tenant: Tenant) -> None:
    recorder = Recorder(store, Instance(store.data / "run"))
    gate = Gate(policy, recorder, minter())
    await recorder.close()

    with pytest.raises(RecordUnavailable):
        async with gate.admit(person(tenant), "chat.ask", Resource("conversation")):
            pytest.fail("the body ran")
    with pytest.raises(RecordUnavailable):
        async with gate.admit(person(tenant, "viewer"), "people.create", Resource("person")):
            pytest.fail("the body ran")
    assert await records(store, tenant) == []


async def test_a_result_whose_record_cannot_be_written_is_not_given_out(store: Store, tenant: Tenant) -> None:
    recorder = Recorder(store, Instance(store.data / "run"))
    gate = Gate(policy, recorder, minter())

    with pytest.raises(RecordUnavailable):
        async with gate.admit(person(tenant), "chat.ask", Resource("conversation")):
            await recorder.close()

    later = Recorder(store, Instance(store.data / "run"))
    await close_dangling(store, later)
    await later.close()
    assert [each["result_status"] for each in await records(store, tenant)] == [None, "aborted"]


async def test_facts_that_cannot_be_written_down_end_the_work_as_an_error(
    store: Store, gate: Gate, tenant: Tenant
) -> None:
    with pytest.raises(Unrecordable):
        async with gate.admit(person(tenant), "chat.ask", Resource("conversation")) as admitted:
            admitted.outcome.metadata["when"] = new_id()

    _, post = await records(store, tenant)
    assert (post["result_status"], post["metadata"]["error"]) == ("error", "unrecordable")


async def test_a_kiosk_is_named_in_what_it_asks(store: Store, gate: Gate, tenant: Tenant) -> None:
    kiosk = new_id()
    principal = Principal(kiosk, "kiosk", tenant.id, "Line 3", "viewer", 1, kiosk_id=kiosk)

    async with gate.admit(principal, "chat.ask", Resource("conversation")):
        pass

    pre, _ = await records(store, tenant)
    assert pre["metadata"]["kiosk_id"] == str(kiosk)
    assert pre["actor"]["kind"] == "kiosk"


async def test_32_requests_at_once_are_all_recorded(store: Store, gate: Gate, tenant: Tenant) -> None:
    async def ask() -> None:
        async with gate.admit(person(tenant), "chat.ask", Resource("conversation"), request=b"?"):
            await asyncio.sleep(0)

    await asyncio.gather(*(ask() for _ in range(32)))

    assert len(await records(store, tenant)) == 64
    assert (await verify(store)).ok
